pillarbox_fuzz(parse_command pop3)
pillarbox_fuzz(body_encoder pop3)
pillarbox_fuzz(authorization pop3)
