package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

const (
	stsNamespace   = "https://sts.amazonaws.com/doc/2011-06-15/"
	shortest       = 900
	chainedSeconds = 3600
)

var sessionNames = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func (c *call) getCallerIdentity(caller *session) {
	c.answer(struct {
		Arn     string
		UserID  string `xml:"UserId" json:"UserId"`
		Account string
	}{caller.who.arn.String(), caller.who.userID, caller.who.arn.account})
}

// assumed is the part of the response that AssumeRole and AssumeRoleWithWebIdentity share.
type assumed struct {
	AssumedRoleUser struct {
		AssumedRoleID string `xml:"AssumedRoleId" json:"AssumedRoleId"`
		Arn           string
	}
	Credentials struct {
		AccessKeyID     string `xml:"AccessKeyId" json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      time.Time
	}
}

func newAssumed(s *session) assumed {
	var a assumed
	a.AssumedRoleUser.AssumedRoleID = s.who.userID
	a.AssumedRoleUser.Arn = s.who.arn.String()
	a.Credentials.AccessKeyID = s.accessKeyID
	a.Credentials.SecretAccessKey = s.secret
	a.Credentials.SessionToken = s.token
	a.Credentials.Expiration = s.expires
	return a
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (c *call) assumeRole(caller *session) {
	wanted, name, refused := c.roleAndName()
	if refused != nil {
		c.refuse(refused)
		return
	}
	if caller.who.arn.resource == "root" {
		c.refuse(&refusal{403, "AccessDenied", "Roles may not be assumed by root accounts."})
		return
	}
	have := context{
		"sts:RoleSessionName":  name,
		"aws:PrincipalArn":     caller.who.arn.String(),
		"aws:PrincipalAccount": caller.who.arn.account,
	}
	if caller.who.role != "" {
		have["aws:PrincipalArn"] = caller.who.role
	}
	if id := c.parameters.Get("ExternalId"); id != "" {
		have["sts:ExternalId"] = id
	}
	if caller.token != "" {
		have["aws:MultiFactorAuthPresent"] = "false"
	}
	if serial := c.parameters.Get("SerialNumber"); serial != "" {
		u := c.state.user(caller.who.arn.String())
		if u == nil || u.MFASerial != serial || u.MFACode != c.parameters.Get("TokenCode") {
			c.refuse(&refusal{403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. "})
			return
		}
		have["aws:MultiFactorAuthPresent"] = "true"
	}
	target := c.state.role(wanted)
	if target == nil {
		// For a role that does not exist, STS gives no further reason.
		c.refuse(&refusal{403, "AccessDenied", fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", caller.who.arn, wanted)})
		return
	}
	if refused := c.state.mayAssume(caller.who, target, "sts:AssumeRole", have); refused != nil {
		c.refuse(refused)
		return
	}
	seconds, refused := c.duration(target, caller.who.role != "")
	if refused != nil {
		c.refuse(refused)
		return
	}
	c.answer(newAssumed(c.state.assume(target, name, seconds)))
}

// roleAndName reads the parameters that all AssumeRole actions share.
func (c *call) roleAndName() (role, name string, refused *refusal) {
	role, name = c.parameters.Get("RoleArn"), c.parameters.Get("RoleSessionName")
	if len(role) < 20 {
		return "", "", invalid(role, "roleArn", "Member must have length greater than or equal to 20")
	}
	if of, err := parseARN(role); err != nil || of.service != "iam" || of.kind() != "role" {
		return "", "", &refusal{400, "ValidationError", role + " is invalid"}
	}
	if !sessionNames.MatchString(name) {
		return "", "", invalid(name, "roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	return role, name, nil
}

func (c *call) duration(target *role, chained bool) (time.Duration, *refusal) {
	text := c.parameters.Get("DurationSeconds")
	if text == "" {
		return chainedSeconds * time.Second, nil
	}
	seconds, err := strconv.Atoi(text)
	switch {
	case err != nil || seconds < shortest:
		return 0, invalid(text, "durationSeconds", "Member must have value greater than or equal to 900")
	case chained && seconds > chainedSeconds:
		return 0, &refusal{400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."}
	case seconds > target.MaxSessionSeconds:
		return 0, &refusal{400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."}
	}
	return time.Duration(seconds) * time.Second, nil
}

func invalid(value, member, constraint string) *refusal {
	return &refusal{400, "ValidationError", fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, member, constraint)}
}
