pillarbox_fuzz(message_text cyrus)
