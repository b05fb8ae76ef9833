package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"
)

// arn is a parsed ARN. The resource may contain colons.
type arn struct{ partition, service, region, account, resource string }

func parseARN(text string) (arn, error) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[4] == "" || parts[5] == "" {
		return arn{}, fmt.Errorf("%q is not an ARN with an account", text)
	}
	return arn{parts[1], parts[2], parts[3], parts[4], parts[5]}, nil
}

func (a arn) String() string {
	return strings.Join([]string{"arn", a.partition, a.service, a.region, a.account, a.resource}, ":")
}

// kind returns the resource up to the first slash.
func (a arn) kind() string {
	kind, _, _ := strings.Cut(a.resource, "/")
	return kind
}

var idEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// derivedID returns an id that depends only on the name.
func derivedID(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + idEncoding.EncodeToString(sum[:])[:17]
}

func randomID(prefix string) string {
	return prefix + idEncoding.EncodeToString(random(20))[:accessKeyCharacters]
}

// randomSecret returns a secret with the length and the characters of a real one: 40 base64 characters, including slashes and pluses.
func randomSecret() string { return base64.StdEncoding.EncodeToString(random(30)) }

// randomToken returns a session token with the prefix of real ones.
func randomToken(length int) string {
	const prefix = "IQoJb3JpZ2luX2Vj"
	return (prefix + base64.StdEncoding.EncodeToString(random(length)))[:max(length, len(prefix))]
}

func random(length int) []byte {
	bytes := make([]byte, length)
	// https://pkg.go.dev/crypto/rand#Read never fails.
	_, _ = rand.Read(bytes)
	return bytes
}
