package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// ssoSession is somebody's sign-in at IAM Identity Center, and what it is good for.
type ssoSession struct {
	AccessToken string `json:"accessToken"`
	// RefreshToken, ClientID and ClientSecret get another access token once this one is over.
	RefreshToken string `json:"refreshToken"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	// Seconds until the access token expires; 3600 when left out, and less than 0 is over already.
	Seconds int `json:"seconds"`
	// User is the name of the role sessions.
	User  string    `json:"user"`
	Roles []ssoRole `json:"roles"`

	expires time.Time
}

// ssoRole is a permission set in an account, and the role that stands for it there.
type ssoRole struct {
	Account string `json:"account"`
	Name    string `json:"name"`
	Role    string `json:"role"`
}

func (w *world) putSSO(s *ssoSession) error {
	if s.AccessToken == "" {
		s.AccessToken = randomToken(defaultTokenBytes)
	}
	if s.Seconds == 0 {
		s.Seconds = defaultMaxSession
	}
	if s.User == "" {
		return fmt.Errorf("an SSO session has a user")
	}
	s.expires = time.Now().Add(time.Duration(s.Seconds) * time.Second)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.sso = append(w.sso, s)
	for _, secret := range []string{s.AccessToken, s.RefreshToken, s.ClientSecret} {
		if secret != "" {
			w.secrets = append(w.secrets, secret)
		}
	}
	return nil
}

// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
func (c *call) getRoleCredentials() {
	token := c.r.Header.Get("X-Amz-Sso_bearer_token")
	account, name := c.parameters.Get("account_id"), c.parameters.Get("role_name")
	c.world.mutex.Lock()
	var signedIn *ssoSession
	for _, s := range c.world.sso {
		if s.AccessToken == token && time.Now().Before(s.expires) {
			signedIn = s
		}
	}
	c.world.mutex.Unlock()
	if signedIn == nil {
		c.refuse(&refusal{401, "UnauthorizedException", "Session token not found or invalid"})
		return
	}
	for _, one := range signedIn.Roles {
		of := c.world.role(one.Role)
		if one.Account != account || one.Name != name || of == nil {
			continue
		}
		s := c.world.assume(of, signedIn.User, defaultMaxSession*time.Second)
		c.send(200, "application/json", asJSON(map[string]any{"roleCredentials": map[string]any{
			"accessKeyId":     s.accessKeyID,
			"secretAccessKey": s.secret,
			"sessionToken":    s.token,
			"expiration":      s.expires.UnixMilli(),
		}}))
		return
	}
	c.refuse(&refusal{403, "ForbiddenException", "No access"})
}

// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
func (c *call) createToken() {
	var asked struct{ ClientID, ClientSecret, GrantType, RefreshToken string }
	if err := json.Unmarshal(c.body, &asked); err != nil || asked.GrantType != "refresh_token" {
		c.refuse(&refusal{400, "UnsupportedGrantTypeException", "unsupported_grant_type"})
		return
	}
	c.world.mutex.Lock()
	defer c.world.mutex.Unlock()
	for _, s := range c.world.sso {
		if s.RefreshToken == "" || s.RefreshToken != asked.RefreshToken || s.ClientID != asked.ClientID || s.ClientSecret != asked.ClientSecret {
			continue
		}
		s.AccessToken = randomToken(defaultTokenBytes)
		s.expires = time.Now().Add(defaultMaxSession * time.Second)
		c.world.secrets = append(c.world.secrets, s.AccessToken)
		c.send(200, "application/json", asJSON(map[string]any{
			"accessToken": s.AccessToken, "expiresIn": defaultMaxSession,
			"refreshToken": s.RefreshToken, "tokenType": "Bearer",
		}))
		return
	}
	c.refuse(&refusal{400, "InvalidGrantException", "Invalid refresh token provided"})
}

// refuseAsREST answers as services whose protocol is JSON over REST.
func (c *call) refuseAsREST(refused *refusal) {
	c.w.Header().Set("x-amzn-ErrorType", refused.code)
	c.send(refused.status, "application/json", asJSON(map[string]string{"__type": refused.code, "message": refused.message}))
}
