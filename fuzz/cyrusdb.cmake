pillarbox_fuzz(dlist cyrus)
pillarbox_fuzz(twoskip cyrus)
pillarbox_fuzz(twoskip_writer cyrus)
pillarbox_fuzz(status_entry cyrus)
