package main

import (
	"sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap"
)

type ssoAnswer struct {
	PermissionSetName string `json:"permissionSetName"`
	AccountID         string `json:"accountID"`
	Partition         string `json:"partition"`
}

type roleAnswer struct {
	RoleARN  string     `json:"rolearn,omitempty"`
	SSO      *ssoAnswer `json:"sso,omitempty"`
	Username string     `json:"username"`
	Groups   []string   `json:"groups"`
	UserID   string     `json:"userid,omitempty"`
	Key      string     `json:"key"`
}

type userAnswer struct {
	UserARN  string   `json:"userarn"`
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
	UserID   string   `json:"userid,omitempty"`
	Key      string   `json:"key"`
}

type parseAnswer struct {
	Roles    []roleAnswer `json:"roles"`
	Users    []userAnswer `json:"users"`
	Accounts []string     `json:"accounts"`
	Errors   []string     `json:"errors"`
}

func parse(data map[string]string) parseAnswer {
	users, roles, accounts, err := configmap.ParseMap(data)
	out := parseAnswer{
		Roles:    make([]roleAnswer, 0, len(roles)),
		Users:    make([]userAnswer, 0, len(users)),
		Accounts: append([]string{}, accounts...),
		Errors:   errorTexts(err),
	}
	for _, role := range roles {
		out.Roles = append(out.Roles, roleAnswer{
			RoleARN: role.RoleARN, SSO: sso(role.SSO), Username: role.Username,
			Groups: role.Groups, UserID: role.UserId, Key: role.Key(),
		})
	}
	for _, user := range users {
		out.Users = append(out.Users, userAnswer{
			UserARN: user.UserARN, Username: user.Username,
			Groups: user.Groups, UserID: user.UserId, Key: user.Key(),
		})
	}
	return out
}

func sso(matcher *config.SSOARNMatcher) *ssoAnswer {
	if matcher == nil {
		return nil
	}
	return &ssoAnswer{matcher.PermissionSetName, matcher.AccountID, matcher.Partition}
}
