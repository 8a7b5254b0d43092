pillarbox_fuzz(mbox tools)
