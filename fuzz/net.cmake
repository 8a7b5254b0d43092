pillarbox_fuzz(line_buffer base SOURCES net/line_buffer.cpp)  # no Asio
pillarbox_fuzz(server_name base SOURCES net/server_name.cpp)
pillarbox_fuzz(ticket_keys base SOURCES net/ticket_keys.cpp)  # libcrypto comes with base
pillarbox_fuzz(proxy_header base SOURCES net/proxy_header.cpp net/ip_address.cpp)
