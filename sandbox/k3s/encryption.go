package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

func encryptionFile(s settings) string { return s.data("server", "cred", "encryption-config.json") }

// writeEncryption makes the key by which Secrets lie encrypted in etcd; once made it stays.
func writeEncryption(s settings) error {
	if _, err := os.Stat(encryptionFile(s)); err == nil {
		return nil
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	type object = map[string]any
	keys := []object{{"name": "aescbckey", "secret": base64.StdEncoding.EncodeToString(key)}}
	content, err := json.Marshal(object{
		"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1",
		"resources": []object{{
			"resources": []string{"secrets"},
			"providers": []object{{"aescbc": object{"keys": keys}}, {"identity": object{}}},
		}},
	})
	if err != nil {
		return err
	}
	return write(encryptionFile(s), content, 0o600)
}

// secretsEncryptCommand is `k3s secrets-encrypt status`.
func secretsEncryptCommand(args []string) error {
	if len(args) != 1 || args[0] != "status" {
		return errors.New("the stand-in knows 'k3s secrets-encrypt status' alone")
	}
	s, err := readSettings("server", nil)
	if err != nil {
		return err
	}
	if _, err := os.Stat(encryptionFile(s)); err != nil || !s.flag("secrets-encryption") {
		fmt.Println("Encryption Status: Disabled, no configuration file found")
		return nil
	}
	fmt.Print("Encryption Status: Enabled\nCurrent Rotation Stage: start\nServer Encryption Hashes: All hashes match\n\n" +
		"Active  Key Type  Name\n------  --------  ----\n *      AES-CBC   aescbckey\n")
	return nil
}
