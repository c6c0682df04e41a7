package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A certificate is renewed at a start within so many days of its end (CertificateRenewDays, v1.32.5+k3s1).
const renewDays = 120

const day = 24 * time.Hour

// authority is a CA on disk.
type authority struct {
	file        string
	certificate *x509.Certificate
	key         crypto.Signer
}

// subject is whom a leaf certificate speaks for; with names it serves them, without it is a client.
type subject struct {
	name   string
	groups []string
	names  []string
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func loadAuthority(file string, name string) (*authority, error) {
	certificate, err := readCertificate(file)
	if errors.Is(err, os.ErrNotExist) {
		key, err := loadKey(keyFile(file))
		if err != nil {
			return nil, err
		}
		template := &x509.Certificate{
			SerialNumber: serial(), Subject: pkix.Name{CommonName: fmt.Sprintf("%s@%d", name, time.Now().Unix())},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(3650 * day), IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			return nil, err
		}
		if err := write(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
			return nil, err
		}
		certificate, err = x509.ParseCertificate(der)
		return &authority{file, certificate, key}, err
	} else if err != nil {
		return nil, err
	}
	key, err := loadKey(keyFile(file))
	return &authority{file, certificate, key}, err
}

// leaf writes FILE and its key, unless they are there, good for these names, and do not end soon.
func (a *authority) leaf(file string, who subject) error {
	found, err := readCertificate(file)
	if err == nil && time.Until(found.NotAfter) > renewDays*day && found.CheckSignatureFrom(a.certificate) == nil &&
		serves(found, who.names) {
		return nil
	}
	key, err := loadKey(keyFile(file))
	if err != nil {
		return err
	}
	content, err := a.sign(key.Public(), who)
	if err != nil {
		return err
	}
	return write(file, content, 0o644)
}

func (a *authority) sign(key crypto.PublicKey, who subject) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: who.name, Organization: who.groups},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * day),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, name := range who.names {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if address := net.ParseIP(name); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func serves(certificate *x509.Certificate, names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return certificate.VerifyHostname(name) != nil })
}

func readCertificate(file string) (*x509.Certificate, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return x509.ParseCertificate(block.Bytes)
}

func keyFile(certificate string) string {
	return certificate[:len(certificate)-len(filepath.Ext(certificate))] + ".key"
}

// loadKey reads a key or makes one. Elliptic, because an RSA key takes minutes to make in software emulation.
func loadKey(file string) (crypto.Signer, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			return nil, err
		}
		return key, write(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
	} else if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key", file)
	}
	return x509.ParseECPrivateKey(block.Bytes)
}

func serial() *big.Int {
	number, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return number
}

// write replaces a file at once, with the folders above it.
func write(file string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", content, mode); err != nil {
		return err
	}
	if err := os.Chmod(file+".new", mode); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func keyPair(file string) (tls.Certificate, error) { return tls.LoadX509KeyPair(file, keyFile(file)) }
