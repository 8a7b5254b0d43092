pillarbox_fuzz(service_table master)
