pillarbox_fuzz(user_name auth)
pillarbox_fuzz(base64 auth)
