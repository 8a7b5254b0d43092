pillarbox_fuzz(index cyrus)
pillarbox_fuzz(mailbox_header cyrus)
