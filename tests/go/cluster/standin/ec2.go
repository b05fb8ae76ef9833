package main

import (
	"fmt"
	"regexp"
	"strings"
)

const ec2Namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"

var instanceIDs = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)

type instanceItem struct {
	InstanceID     string `xml:"instanceId"`
	PrivateDNSName string `xml:"privateDnsName"`
}

type reservationItem struct {
	OwnerID   string         `xml:"ownerId"`
	Instances []instanceItem `xml:"instancesSet>item"`
}

// describeInstances returns instances of the caller's account by id.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
func (c *call) describeInstances(caller *session) {
	var ids []string
	for at := 1; ; at++ {
		id := c.parameters.Get(fmt.Sprintf("InstanceId.%d", at))
		if id == "" {
			break
		}
		ids = append(ids, id)
	}
	var found []reservationItem
	var missing []string
	c.state.mutex.Lock()
	for _, id := range ids {
		of := c.state.instances[id]
		if of == nil || of.Account != caller.who.arn.account || (c.at.region != "" && of.Region != c.at.region) {
			missing = append(missing, id)
			continue
		}
		found = append(found, reservationItem{of.Account, []instanceItem{{id, of.PrivateDNSName}}})
	}
	c.state.mutex.Unlock()
	for _, id := range missing {
		if !instanceIDs.MatchString(id) {
			c.refuse(&refusal{400, "InvalidInstanceID.Malformed", fmt.Sprintf("Invalid id: \"%s\"", id)})
			return
		}
	}
	switch len(missing) {
	case 0:
		c.send(200, "text/xml;charset=UTF-8", asXML("DescribeInstancesResponse", ec2Namespace, struct {
			RequestID    string            `xml:"requestId"`
			Reservations []reservationItem `xml:"reservationSet>item"`
		}{c.requestID, found}))
	case 1:
		c.refuse(&refusal{400, "InvalidInstanceID.NotFound", fmt.Sprintf("The instance ID '%s' does not exist", missing[0])})
	default:
		c.refuse(&refusal{400, "InvalidInstanceID.NotFound", fmt.Sprintf("The instance IDs '%s' do not exist", strings.Join(missing, ", "))})
	}
}

// refuseAsEC2 sends an error in EC2's format, with EC2's codes for errors that STS names differently.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (c *call) refuseAsEC2(refused *refusal) {
	switch refused.code {
	case "InvalidClientTokenId", "SignatureDoesNotMatch":
		refused = &refusal{401, "AuthFailure", "AWS was not able to validate the provided access credentials"}
	case "ExpiredToken":
		refused = &refusal{400, "RequestExpired", "Request has expired."}
	}
	c.entry.Code = refused.code
	type item struct{ Code, Message string }
	c.send(refused.status, "text/xml;charset=UTF-8", asXML("Response", "", struct {
		Errors    []item `xml:"Errors>Error"`
		RequestID string
	}{[]item{{refused.code, refused.message}}, c.requestID}))
}
