pillarbox_fuzz(line_buffer base SOURCES net/line_buffer.cpp)  # no Asio
