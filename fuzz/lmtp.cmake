pillarbox_fuzz(lmtp_command lmtp)
pillarbox_fuzz(lmtp_conversation lmtp)
pillarbox_fuzz(data_decoder lmtp)
