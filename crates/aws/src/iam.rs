//! IAM: the roles, users and instance profiles of an account.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::action_error::{ActionError, of};
use super::blocking_runtime::BlockingRuntime;
use super::client_config::{ClientError, ClientSettings, ProfileSettings};
use super::concurrency::map_concurrently;
use super::credentials::ResolvedCredentials;
use super::list_limit::{MAX_PAGES, TIME_LIMIT, too_many_pages, within};
use super::query_protocol::{Members, QueryClient, Service};
use super::signed_client::{Endpoint, Timeouts};
use super::{AwsEnvironment, AwsError};
use awsauth_core::assume_role_advice::Decision;
use awsauth_core::facts::iam_inventory::{Existence, Listed, Principal, RoleUse};
use awsauth_core::facts::partitions::Partition;

const SERVICE: Service = Service {
    signing_name: "iam",
    version: "2010-05-08",
};

/// Short, because many networks that can reach EKS cannot reach IAM, and most commands work without its answers.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(2),
    operation: Duration::from_secs(6),
};

/// The maximum number of roles, users or instance profiles that are read by name, except by [`Iam::role_uses`].
const MAX_SINGLE_READS: usize = 200;

/// A client for IAM in the account of the credentials. Blocks; must not be used from within an async runtime.
pub struct Iam {
    client: QueryClient,
    runtime: BlockingRuntime,
}

/// An IAM response.
type IamResult<T> = Result<T, ActionError>;

impl Iam {
    /// Prepares a client. The settings of `profile`, or else of the default profile, decide how AWS is reached.
    ///
    /// # Errors
    /// If a connection setting is invalid.
    pub fn new(
        resolved: &ResolvedCredentials,
        profile: Option<&str>,
        environment: &AwsEnvironment,
    ) -> IamResult<Self> {
        let profile = ProfileSettings::read(profile, environment)?;
        let settings = profile.client();
        let endpoint = endpoint_of(&settings, &resolved.region.name)?;
        let client = QueryClient::new(
            &settings,
            SERVICE,
            endpoint,
            &resolved.credentials,
            TIMEOUTS,
        )?;
        Ok(Self {
            client,
            runtime: BlockingRuntime::default(),
        })
    }

    /// Returns all roles with their trust policies. If the caller may not list roles, returns those with these names.
    ///
    /// # Errors
    /// If IAM does not return those either.
    pub fn roles(&mut self, names: &BTreeSet<String>) -> IamResult<Listed> {
        let client = &self.client;
        self.runtime.block_on(async {
            match client.list::<Role>("ListRoles", &[]).await {
                Err(error) if error.is_denial() && !names.is_empty() => {
                    client.roles_named(names).await
                }
                roles => roles.map(Listed::all).map_err(of("iam:ListRoles")),
            }
        })?
    }

    /// Returns the roles whose IAM path begins with this prefix.
    ///
    /// # Errors
    /// If IAM does not return them.
    pub fn roles_below(&mut self, path_prefix: &str) -> IamResult<Vec<Principal>> {
        let parameters = [("PathPrefix", path_prefix)];
        let listed = self.client.list::<Role>("ListRoles", &parameters);
        self.runtime.block_on(listed)?.map_err(of("iam:ListRoles"))
    }

    /// Returns the roles with these names.
    ///
    /// # Errors
    /// If IAM does not return one of them.
    pub fn roles_named(&mut self, names: &BTreeSet<String>) -> IamResult<Listed> {
        self.runtime.block_on(self.client.roles_named(names))?
    }

    /// Returns when each role was last used, by the requested name, whose letter case may differ from the role's; `None` for roles that
    /// do not exist. If the caller may not list roles, leaves out those that IAM does not find.
    ///
    /// # Errors
    /// If IAM does not return one of them.
    pub fn role_uses(
        &mut self,
        names: &BTreeSet<String>,
    ) -> IamResult<BTreeMap<String, Option<RoleUse>>> {
        let listed = self.roles(names)?;
        let mut uses = BTreeMap::new();
        let mut requests = Vec::new();
        for name in names {
            match listed.named(name) {
                Existence::Exists(role) => requests.push((name.clone(), role.name.clone())),
                Existence::Absent if listed.is_all() => {
                    uses.insert(name.clone(), None);
                }
                Existence::Absent | Existence::Unknown => {}
            }
        }
        let client = &self.client;
        let answers = self
            .runtime
            .block_on(map_concurrently(requests, |(name, role)| {
                let client = client.clone();
                async move { (name, client.get_role_use(&role).await) }
            }))??;
        for (name, answer) in answers {
            uses.insert(name, answer.map_err(of("iam:GetRole"))?);
        }
        Ok(uses)
    }

    /// Returns all users. If the caller may not list users, returns those with these names.
    ///
    /// # Errors
    /// If IAM does not return those either.
    pub fn users(&mut self, names: &BTreeSet<String>) -> IamResult<Listed> {
        let client = &self.client;
        self.runtime.block_on(async {
            match client.list::<User>("ListUsers", &[]).await {
                Err(error) if error.is_denial() && !names.is_empty() => {
                    one_by_one(names, "iam:GetUser", |name| {
                        let client = client.clone();
                        async move {
                            let user = client.get_user(&name).await;
                            (name, user)
                        }
                    })
                    .await
                }
                users => users.map(Listed::all).map_err(of("iam:ListUsers")),
            }
        })?
    }

    /// Returns the ARN of the role in each of these instance profiles; `None` if the profile does not exist or has no role.
    ///
    /// # Errors
    /// If IAM does not return one of them.
    pub fn instance_profiles(
        &mut self,
        names: &BTreeSet<String>,
    ) -> IamResult<BTreeMap<String, Option<String>>> {
        let client = &self.client;
        self.runtime.block_on(async {
            let names = names.iter().take(MAX_SINGLE_READS).cloned();
            let answers = map_concurrently(names, |name| {
                let client = client.clone();
                async move {
                    let role = client.get_instance_profile_role(&name).await;
                    (name, role)
                }
            });
            let answers = answers.await?.into_iter();
            answers
                .map(|(name, role)| Ok((name, role.map_err(of("iam:GetInstanceProfile"))?)))
                .collect()
        })?
    }

    /// Returns the role of this name with its trust policy; `None` if it does not exist.
    ///
    /// # Errors
    /// If IAM does not respond.
    pub fn role(&mut self, name: &str) -> IamResult<Option<Principal>> {
        let role = self.runtime.block_on(self.client.get_role(name))?;
        role.map_err(of("iam:GetRole"))
    }

    /// Simulates an action on a resource. Returns the decision of the principal's policies and that of its permissions boundary.
    ///
    /// # Errors
    /// If IAM does not respond.
    pub fn simulate(
        &mut self,
        principal: &str,
        action: &str,
        resource: &str,
    ) -> IamResult<(Decision, Decision)> {
        let simulation = self.client.simulate(principal, action, resource);
        let decisions = self.runtime.block_on(simulation)?;
        decisions.map_err(of("iam:SimulatePrincipalPolicy"))
    }
}

impl fmt::Debug for Iam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iam").finish_non_exhaustive()
    }
}

/// The endpoint of IAM, as the endpoint rules of the AWS SDKs name it. Each partition has one, in one of its regions.
/// <https://github.com/aws/aws-sdk-go-v2/blob/service/iam/v1.53.1/service/iam/endpoints.go>
fn endpoint_of(settings: &ClientSettings<'_>, region: &str) -> Result<Endpoint, ClientError> {
    Endpoint::of(settings, "IAM", |fips, dual_stack| {
        standard_endpoint(region, fips, dual_stack)
    })
}

fn standard_endpoint(region: &str, fips: bool, dual_stack: bool) -> Endpoint {
    let partition = Partition::of_region(region);
    let domain = match dual_stack {
        true => partition.dual_stack_domain,
        false => partition.domain,
    };
    let signing_region = match partition.id {
        "aws" => "us-east-1",
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => region,
    };
    let host = match (partition.id, fips, dual_stack) {
        ("aws", false, false) => format!("iam.{domain}"),
        ("aws", true, false) => format!("iam-fips.{domain}"),
        ("aws", false, true) => format!("iam.global.{domain}"),
        ("aws", true, true) => format!("iam-fips.global.{domain}"),
        ("aws-cn", false, true) => format!("iam.global.{domain}"),
        // All endpoints of GovCloud are FIPS endpoints.
        ("aws-us-gov", _, _) => format!("iam.us-gov.{domain}"),
        ("aws-iso" | "aws-iso-b", true, false) => format!("iam-fips.{signing_region}.{domain}"),
        (_, true, _) => format!("iam-fips.{domain}"),
        (_, false, _) => format!("iam.{signing_region}.{domain}"),
    };
    Endpoint {
        url: format!("https://{host}"),
        signing_region: signing_region.to_owned(),
    }
}

impl QueryClient {
    /// Lists roles or users, page by page.
    async fn list<T>(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Vec<Principal>, AwsError>
    where
        T: DeserializeOwned + Into<Principal>,
    {
        let mut principals = Vec::new();
        let mut marker: Option<String> = None;
        let all = async {
            for _ in 0..MAX_PAGES {
                let marker_parameter = marker.as_deref().map(|marker| ("Marker", marker));
                let with_marker: Vec<_> =
                    parameters.iter().copied().chain(marker_parameter).collect();
                let page: Response<Page<T>> = self.call(action, &with_marker).await?;
                let page = page.result;
                principals.extend(page.items.into_vec().into_iter().map(T::into));
                match page.marker.filter(|_| page.is_truncated) {
                    None => return Ok(principals),
                    Some(next) if marker.as_ref() == Some(&next) => {
                        let why = format!("{action}: two pages have the same marker");
                        return Err(AwsError::InvalidResponse { why });
                    }
                    Some(next) => marker = Some(next),
                }
            }
            Err(too_many_pages())
        };
        within(TIME_LIMIT, all).await
    }

    async fn roles_named(&self, names: &BTreeSet<String>) -> IamResult<Listed> {
        one_by_one(names, "iam:GetRole", |name| {
            let client = self.clone();
            async move {
                let role = client.get_role(&name).await;
                (name, role)
            }
        })
        .await
    }

    async fn get_role(&self, name: &str) -> Result<Option<Principal>, AwsError> {
        let role = self.get_role_fields(name).await?;
        Ok(role.map(Principal::from))
    }

    async fn get_role_fields(&self, name: &str) -> Result<Option<Role>, AwsError> {
        let answer = self.call("GetRole", &[("RoleName", name)]).await;
        let answer: Option<Response<RoleResult>> = none_if_missing(answer)?;
        Ok(answer.map(|answer| answer.result.role))
    }

    async fn get_role_use(&self, name: &str) -> Result<Option<RoleUse>, AwsError> {
        let role = self.get_role_fields(name).await?;
        Ok(role.map(|role| {
            let last_used = role.role_last_used.and_then(|used| used.last_used_date);
            RoleUse {
                unique_id: role.role_id,
                last_used_at: timestamp(last_used.as_deref()),
            }
        }))
    }

    async fn get_user(&self, name: &str) -> Result<Option<Principal>, AwsError> {
        let answer = self.call("GetUser", &[("UserName", name)]).await;
        let answer: Option<Response<UserResult>> = none_if_missing(answer)?;
        Ok(answer.map(|answer| answer.result.user.into()))
    }

    async fn get_instance_profile_role(&self, name: &str) -> Result<Option<String>, AwsError> {
        let parameters = [("InstanceProfileName", name)];
        let answer = self.call("GetInstanceProfile", &parameters).await;
        let answer: Option<Response<InstanceProfileResult>> = none_if_missing(answer)?;
        let roles = answer.map(|answer| answer.result.instance_profile.roles.into_vec());
        // IAM lets a profile hold one role.
        let role = roles.unwrap_or_default().into_iter().next();
        Ok(role.map(|role| role.arn))
    }

    async fn simulate(
        &self,
        principal: &str,
        action: &str,
        resource: &str,
    ) -> Result<(Decision, Decision), AwsError> {
        let parameters = [
            ("PolicySourceArn", principal),
            ("ActionNames.member.1", action),
            ("ResourceArns.member.1", resource),
        ];
        let answer: Response<SimulationResult> =
            self.call("SimulatePrincipalPolicy", &parameters).await?;
        let evaluations = answer.result.evaluation_results;
        let evaluations = evaluations.map(Members::into_vec).unwrap_or_default();
        let Some(evaluation) = evaluations.into_iter().next() else {
            return Ok((Decision::Unknown, Decision::Unknown));
        };
        let policies = match evaluation.eval_decision.as_str() {
            "allowed" => Decision::Allowed,
            "explicitDeny" => Decision::ExplicitDeny,
            "implicitDeny" => Decision::ImplicitDeny,
            _ => Decision::Unknown,
        };
        let boundary = evaluation.permissions_boundary_decision_detail;
        let boundary = match boundary.map(|detail| detail.allowed_by_permissions_boundary) {
            Some(false) => Decision::ImplicitDeny,
            Some(true) | None => Decision::Allowed,
        };
        Ok((policies, boundary))
    }
}

/// Reads roles or users by name, several at the same time.
async fn one_by_one<F>(
    names: &BTreeSet<String>,
    action: &'static str,
    get: impl Fn(String) -> F,
) -> IamResult<Listed>
where
    F: Future<Output = (String, Result<Option<Principal>, AwsError>)> + Send + 'static,
{
    let names = names.iter().take(MAX_SINGLE_READS).cloned();
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    for (name, answer) in map_concurrently(names, get).await? {
        match answer.map_err(of(action))? {
            Some(principal) => found.push(principal),
            None => absent.push(name),
        }
    }
    Ok(Listed::some(found, absent))
}

fn none_if_missing<T>(answer: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Err(error) if error.code() == Some("NoSuchEntity") => Ok(None),
        answer => answer.map(Some),
    }
}

#[derive(Deserialize)]
struct Response<T> {
    #[serde(
        alias = "GetInstanceProfileResult",
        alias = "GetRoleResult",
        alias = "GetUserResult",
        alias = "ListRolesResult",
        alias = "ListUsersResult",
        alias = "SimulatePrincipalPolicyResult"
    )]
    result: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page<T> {
    #[serde(alias = "Roles", alias = "Users")]
    items: Members<T>,
    #[serde(default)]
    is_truncated: bool,
    marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleResult {
    role: Role,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UserResult {
    user: User,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InstanceProfileResult {
    instance_profile: InstanceProfile,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InstanceProfile {
    roles: Members<Role>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    arn: String,
    role_name: String,
    #[serde(default)]
    role_id: String,
    role_last_used: Option<RoleLastUsed>,
    assume_role_policy_document: Option<String>,
    create_date: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleLastUsed {
    last_used_date: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct User {
    arn: String,
    user_name: String,
    create_date: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SimulationResult {
    evaluation_results: Option<Members<Evaluation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Evaluation {
    eval_decision: String,
    permissions_boundary_decision_detail: Option<BoundaryDecision>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BoundaryDecision {
    #[serde(default)]
    allowed_by_permissions_boundary: bool,
}

fn timestamp(date: Option<&str>) -> Option<Timestamp> {
    date?.parse().ok()
}

impl From<Role> for Principal {
    fn from(role: Role) -> Self {
        Self {
            arn: role.arn,
            name: role.role_name,
            trust: role.assume_role_policy_document,
            created_at: timestamp(role.create_date.as_deref()),
        }
    }
}

impl From<User> for Principal {
    fn from(user: User) -> Self {
        Self {
            arn: user.arn,
            name: user.user_name,
            trust: None,
            created_at: timestamp(user.create_date.as_deref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use quick_xml::de;

    use super::*;

    #[test]
    fn endpoint_depends_on_partition_fips_and_dual_stack() {
        // From the tests of the endpoint rules in aws-sdk-iam 1.133.
        for (region, fips, dual_stack, host, signing_region) in [
            ("eu-west-1", false, false, "iam.amazonaws.com", "us-east-1"),
            (
                "us-east-1",
                true,
                false,
                "iam-fips.amazonaws.com",
                "us-east-1",
            ),
            ("us-east-1", false, true, "iam.global.api.aws", "us-east-1"),
            (
                "us-east-1",
                true,
                true,
                "iam-fips.global.api.aws",
                "us-east-1",
            ),
            ("aws-global", false, false, "iam.amazonaws.com", "us-east-1"),
            (
                "cn-northwest-1",
                false,
                false,
                "iam.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
            ),
            (
                "cn-northwest-1",
                true,
                false,
                "iam-fips.amazonaws.com.cn",
                "cn-north-1",
            ),
            (
                "cn-northwest-1",
                false,
                true,
                "iam.global.api.amazonwebservices.com.cn",
                "cn-north-1",
            ),
            (
                "cn-northwest-1",
                true,
                true,
                "iam-fips.api.amazonwebservices.com.cn",
                "cn-north-1",
            ),
            (
                "us-gov-east-1",
                false,
                false,
                "iam.us-gov.amazonaws.com",
                "us-gov-west-1",
            ),
            (
                "us-gov-west-1",
                true,
                false,
                "iam.us-gov.amazonaws.com",
                "us-gov-west-1",
            ),
            (
                "us-gov-west-1",
                false,
                true,
                "iam.us-gov.api.aws",
                "us-gov-west-1",
            ),
            (
                "us-gov-west-1",
                true,
                true,
                "iam.us-gov.api.aws",
                "us-gov-west-1",
            ),
            (
                "us-iso-west-1",
                false,
                false,
                "iam.us-iso-east-1.c2s.ic.gov",
                "us-iso-east-1",
            ),
            (
                "us-iso-east-1",
                true,
                false,
                "iam-fips.us-iso-east-1.c2s.ic.gov",
                "us-iso-east-1",
            ),
            (
                "us-isob-east-1",
                true,
                false,
                "iam-fips.us-isob-east-1.sc2s.sgov.gov",
                "us-isob-east-1",
            ),
            (
                "eu-isoe-west-1",
                false,
                false,
                "iam.eu-isoe-west-1.cloud.adc-e.uk",
                "eu-isoe-west-1",
            ),
            (
                "eu-isoe-west-1",
                true,
                false,
                "iam-fips.cloud.adc-e.uk",
                "eu-isoe-west-1",
            ),
            (
                "us-isof-south-1",
                false,
                false,
                "iam.us-isof-south-1.csp.hci.ic.gov",
                "us-isof-south-1",
            ),
            (
                "us-isof-south-1",
                true,
                false,
                "iam-fips.csp.hci.ic.gov",
                "us-isof-south-1",
            ),
            (
                "eusc-de-east-1",
                false,
                false,
                "iam.eusc-de-east-1.amazonaws.eu",
                "eusc-de-east-1",
            ),
            (
                "eusc-de-east-1",
                true,
                false,
                "iam-fips.amazonaws.eu",
                "eusc-de-east-1",
            ),
        ] {
            let endpoint = standard_endpoint(region, fips, dual_stack);
            assert_eq!(endpoint.url, format!("https://{host}"), "{region}");
            assert_eq!(endpoint.signing_region, signing_region, "{region}");
        }
    }

    #[test]
    fn page_of_roles_is_read_from_its_xml() {
        let text = r#"<ListRolesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <ListRolesResult>
    <IsTruncated>true</IsTruncated>
    <Marker>AB/C==</Marker>
    <Roles>
      <member>
        <Path>/team/</Path>
        <AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%7D</AssumeRolePolicyDocument>
        <RoleId>AROAEXAMPLE</RoleId>
        <RoleName>dev</RoleName>
        <Description>a &amp; b</Description>
        <Arn>arn:aws:iam::111122223333:role/team/dev</Arn>
      </member>
      <member>
        <Arn>arn:aws:iam::111122223333:role/ops</Arn>
        <RoleName>ops</RoleName>
      </member>
    </Roles>
  </ListRolesResult>
  <ResponseMetadata>
    <RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</RequestId>
  </ResponseMetadata>
</ListRolesResponse>"#;
        let page: Response<Page<Role>> = de::from_str(text).expect("a page");
        assert!(page.result.is_truncated);
        assert_eq!(page.result.marker.as_deref(), Some("AB/C=="));
        let roles = page.result.items.into_vec();
        let roles: Vec<Principal> = roles.into_iter().map(Principal::from).collect();
        assert_eq!(roles[0].arn, "arn:aws:iam::111122223333:role/team/dev");
        assert_eq!(
            roles[0].trust.as_deref(),
            Some("%7B%22Version%22%3A%222012-10-17%22%7D")
        );
        assert_eq!((roles[1].name.as_str(), &roles[1].trust), ("ops", &None));
    }

    #[test]
    fn empty_page_has_no_items() {
        for users in ["<Users/>", "<Users></Users>", "<Users>\n</Users>"] {
            let text = format!(
                "<ListUsersResponse><ListUsersResult>{users}<IsTruncated>false</IsTruncated></ListUsersResult></ListUsersResponse>"
            );
            let page: Response<Page<User>> = de::from_str(&text).expect("a page");
            assert!(page.result.items.into_vec().is_empty(), "{users}");
        }
    }

    #[test]
    fn simulation_without_boundary_is_read() {
        let text = "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult>\
             <EvaluationResults><member><EvalActionName>sts:AssumeRole</EvalActionName>\
             <EvalDecision>implicitDeny</EvalDecision></member></EvaluationResults>\
             </SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>";
        let answer: Response<SimulationResult> = de::from_str(text).expect("an answer");
        let evaluations = answer.result.evaluation_results.expect("a list").into_vec();
        assert_eq!(evaluations[0].eval_decision, "implicitDeny");
        assert!(
            evaluations[0]
                .permissions_boundary_decision_detail
                .is_none()
        );
    }
}
