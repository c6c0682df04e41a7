package main

import (
	"net"
	"os"
)

// notifySystemd says READY=1, as sd_notify(3); nothing without systemd.
func notifySystemd() {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	// The variable must not be inherited by anything that is started later.
	_ = os.Unsetenv("NOTIFY_SOCKET")
	if address[0] == '@' {
		address = "\x00" + address[1:]
	}
	if connection, err := net.Dial("unixgram", address); err == nil {
		_, _ = connection.Write([]byte("READY=1"))
		_ = connection.Close()
	}
}
