pillarbox_fuzz(dlist cyrus)
pillarbox_fuzz(twoskip cyrus)
