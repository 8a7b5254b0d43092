pillarbox_fuzz(imapd_conf config)
pillarbox_fuzz(cyrus_conf config)
