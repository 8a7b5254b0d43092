pillarbox_fuzz(line_buffer net)
