pillarbox_fuzz(cache_record cyrus)
pillarbox_fuzz(quota_report cyrus)
