pillarbox_fuzz(client_mask base SOURCES pop3d/telemetry_text.cpp)
