package main

import "strings"

// endpoint is the service, region and partition that a host name denotes.
type endpoint struct {
	service   string
	region    string
	partition string
}

// suffixes lists the domains of each partition, including those of dual-stack hosts.
// https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/endpoints/partitions.go
var suffixes = []struct{ domain, partition string }{
	{".amazonaws.com", "aws"},
	{".api.aws", "aws"},
	{".amazonaws.com.cn", "aws-cn"},
	{".api.amazonwebservices.com.cn", "aws-cn"},
	{".c2s.ic.gov", "aws-iso"},
	{".sc2s.sgov.gov", "aws-iso-b"},
	{".cloud.adc-e.uk", "aws-iso-e"},
	{".csp.hci.ic.gov", "aws-iso-f"},
	{".amazonaws.eu", "aws-eusc"},
	{".api.amazonwebservices.eu", "aws-eusc"},
}

// served maps the prefix of a host name to the simulated service.
var served = map[string]string{"sts": "sts", "sts-fips": "sts", "ec2": "ec2", "ec2-fips": "ec2", "oidc": "oidc", "portal.sso": "sso"}

// endpointOf parses a host name such as sts.us-east-1.amazonaws.com. It returns false if the host is not simulated.
func endpointOf(host string) (endpoint, bool) {
	host = strings.ToLower(host)
	for _, suffix := range suffixes {
		name, found := strings.CutSuffix(host, suffix.domain)
		if !found {
			continue
		}
		prefix, region := name, ""
		if last := strings.LastIndex(name, "."); last >= 0 {
			prefix, region = name[:last], name[last+1:]
		}
		service, known := served[prefix]
		if !known {
			return endpoint{}, false
		}
		partition := suffix.partition
		switch {
		case region == "" && partition == "aws" && service == "sts":
			// The global endpoint.
			region = "us-east-1"
		case region == "":
			return endpoint{}, false
		case strings.HasPrefix(region, "us-gov-") && partition == "aws":
			partition = "aws-us-gov"
		}
		return endpoint{service, region, partition}, true
	}
	return endpoint{}, false
}
