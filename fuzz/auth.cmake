pillarbox_fuzz(user_name auth)
pillarbox_fuzz(base64 auth)
pillarbox_fuzz(scram_header auth)
pillarbox_fuzz(user_deny auth)
