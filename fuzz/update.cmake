pillarbox_fuzz(quota cyrus)
pillarbox_fuzz(annotation cyrus)
