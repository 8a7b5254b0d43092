pillarbox_fuzz(cache_record cyrus)
pillarbox_fuzz(quota_root cyrus)
