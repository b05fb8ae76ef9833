//! EC2 and Auto Scaling: the instances of a cluster outside EKS's node groups, and those that will be launched.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::action_error::{ActionError, of};
use super::blocking_runtime::BlockingRuntime;
use super::client_config::{ClientError, ProfileSettings};
use super::concurrency::map_concurrently;
use super::credentials::ResolvedCredentials;
use super::list_limit::{MAX_PAGES, TIME_LIMIT, too_many_pages, within};
use super::query_protocol::{Members, QueryClient, Service};
use super::signed_client::{Endpoint, Timeouts};
use super::{AwsEnvironment, AwsError};
use awsauth_core::facts::node_inventory::{Instance, ScalingGroup};

const EC2: Service = Service {
    signing_name: "ec2",
    version: "2016-11-15",
};

const AUTO_SCALING: Service = Service {
    signing_name: "autoscaling",
    version: "2011-01-01",
};

const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    operation: Duration::from_secs(20),
};

/// The number of instances in a page. An instance takes up to about 10 KiB.
const INSTANCES_PER_PAGE: &str = "200";
/// The number of Auto Scaling groups in a page, which is the maximum:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html>
const GROUPS_PER_PAGE: &str = "100";
/// The maximum number of values in a filter:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>
const MAX_FILTER_VALUES: usize = 200;
/// The maximum number of launch configurations in a request, which is the default page size:
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeLaunchConfigurations.html>
const MAX_CONFIGURATIONS: usize = 50;

/// The states of instances that run or can be started.
const STATES: [&str; 4] = ["pending", "running", "stopping", "stopped"];

/// The tag of the Auto Scaling groups of managed node groups, whose roles EKS returns.
const NODE_GROUP_TAG: &str = "eks:nodegroup-name";

const DESCRIBE_INSTANCES: &str = "ec2:DescribeInstances";
const DESCRIBE_GROUPS: &str = "autoscaling:DescribeAutoScalingGroups";
const DESCRIBE_TEMPLATES: &str = "ec2:DescribeLaunchTemplateVersions";
const DESCRIBE_CONFIGURATIONS: &str = "autoscaling:DescribeLaunchConfigurations";

/// EC2 and Auto Scaling in one region. Blocks; must not be used from within an async runtime.
pub struct Ec2 {
    ec2: QueryClient,
    auto_scaling: QueryClient,
    runtime: BlockingRuntime,
}

impl Ec2 {
    /// Prepares the clients. The settings of `profile`, or else of the default profile, determine how AWS is reached.
    ///
    /// # Errors
    /// If a connection setting is invalid.
    pub fn new(
        resolved: &ResolvedCredentials,
        profile: Option<&str>,
        environment: &AwsEnvironment,
    ) -> Result<Self, ActionError> {
        let profile = ProfileSettings::read(profile, environment)?;
        let settings = profile.client();
        let region = &resolved.region.name;
        let client = |service: Service, variable| -> Result<QueryClient, ClientError> {
            let endpoint = Endpoint::regional(&settings, service.signing_name, variable, region)?;
            QueryClient::new(
                &settings,
                service,
                endpoint,
                &resolved.credentials,
                TIMEOUTS,
            )
        };
        Ok(Self {
            ec2: client(EC2, "EC2")?,
            auto_scaling: client(AUTO_SCALING, "AUTO_SCALING")?,
            runtime: BlockingRuntime::default(),
        })
    }

    /// Returns the instances that are tagged for the cluster, and those with these ids, even without the tag. Terminated
    /// instances are left out.
    ///
    /// # Errors
    /// If EC2 does not return them.
    pub fn instances(
        &mut self,
        cluster: &str,
        ids: &BTreeSet<String>,
    ) -> Result<Vec<Instance>, ActionError> {
        let client = &self.ec2;
        let found = self.runtime.block_on(async {
            let mut found = BTreeMap::new();
            for instance in client
                .instances("tag-key", &[&cluster_tag(cluster)])
                .await?
            {
                found.insert(instance.id.clone(), instance);
            }
            let others = ids.iter().filter(|id| !found.contains_key(*id));
            let others: Vec<&str> = others.map(String::as_str).collect();
            // With a filter, unlike with InstanceId, an instance that does not exist is not an error.
            for ids in others.chunks(MAX_FILTER_VALUES) {
                for instance in client.instances("instance-id", ids).await? {
                    found.insert(instance.id.clone(), instance);
                }
            }
            Ok(found.into_values().collect())
        })?;
        found.map_err(of(DESCRIBE_INSTANCES))
    }

    /// Returns the Auto Scaling groups that are tagged for the cluster, without those of managed node groups.
    ///
    /// # Errors
    /// If Auto Scaling does not return them or their launch configurations, or EC2 their launch templates.
    pub fn scaling_groups(&mut self, cluster: &str) -> Result<Vec<ScalingGroup>, ActionError> {
        let (ec2, auto_scaling) = (&self.ec2, &self.auto_scaling);
        self.runtime.block_on(async {
            let groups = auto_scaling.groups(&cluster_tag(cluster)).await;
            let groups = groups.map_err(of(DESCRIBE_GROUPS))?;
            let profiles = Profiles::read(&groups, ec2, auto_scaling).await?;
            Ok(groups
                .into_iter()
                .map(|group| profiles.complete(group))
                .collect())
        })?
    }
}

impl fmt::Debug for Ec2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ec2").finish_non_exhaustive()
    }
}

/// The key of the tag that instances of a cluster have:
/// <https://docs.aws.amazon.com/eks/latest/userguide/worker.html>
fn cluster_tag(cluster: &str) -> String {
    format!("kubernetes.io/cluster/{cluster}")
}

impl QueryClient {
    async fn instances(&self, filter: &str, values: &[&str]) -> Result<Vec<Instance>, AwsError> {
        let mut parameters = vec![
            ("MaxResults".to_owned(), INSTANCES_PER_PAGE),
            ("IncludeManagedResources".to_owned(), "true"),
            ("Filter.1.Name".to_owned(), filter),
            ("Filter.2.Name".to_owned(), "instance-state-name"),
        ];
        for (number, filter_values) in [(1, values), (2, &STATES)] {
            let filter_values = filter_values.iter().enumerate();
            parameters.extend(
                filter_values
                    .map(|(at, value)| (format!("Filter.{number}.Value.{}", at + 1), *value)),
            );
        }
        let pages: Vec<InstancesPage> = self.pages("DescribeInstances", &parameters).await?;
        let reservations = pages
            .into_iter()
            .flat_map(|page| page.reservation_set.into_vec());
        let instances = reservations.flat_map(|one| one.instances_set.into_vec());
        Ok(instances.map(Instance::from).collect())
    }

    async fn groups(&self, tag: &str) -> Result<Vec<Group>, AwsError> {
        let parameters = [
            ("MaxRecords", GROUPS_PER_PAGE),
            ("Filters.member.1.Name", "tag-key"),
            ("Filters.member.1.Values.member.1", tag),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let pages: Vec<GroupsResponse> =
            self.pages("DescribeAutoScalingGroups", &parameters).await?;
        let groups = pages
            .into_iter()
            .flat_map(|page| page.result.auto_scaling_groups.into_vec());
        Ok(groups.filter(|group| !group.is_of_node_group()).collect())
    }

    /// Returns the instance profile of a launch template, and why there is none.
    async fn template_profile(&self, template: &Template) -> Result<Launch, AwsError> {
        let version = template.version.as_deref().unwrap_or("$Default");
        let (key, name) = match &template.launch_template_id {
            Some(id) => ("LaunchTemplateId", id.as_str()),
            None => ("LaunchTemplateName", template.name()),
        };
        let parameters = [(key, name), ("LaunchTemplateVersion.1", version)];
        let answer: Result<TemplateVersions, AwsError> = self
            .call("DescribeLaunchTemplateVersions", &parameters)
            .await;
        let versions = match answer {
            Err(error)
                if error
                    .code()
                    .is_some_and(|code| code.contains("LaunchTemplate")) =>
            {
                return Ok(Err(format!(
                    "the launch template {name} does not exist in version {version}"
                )));
            }
            answer => answer?.launch_template_version_set.into_vec(),
        };
        let data = versions.into_iter().next();
        let data = data.and_then(|version| version.launch_template_data);
        let profile = data.and_then(|data| data.iam_instance_profile);
        let profile = profile.and_then(|profile| profile.arn.or(profile.name));
        Ok(profile.ok_or_else(|| format!("the launch template {name} has no instance profile")))
    }

    /// Returns the instance profiles of launch configurations by name.
    async fn configuration_profiles(
        &self,
        names: &[&str],
    ) -> Result<BTreeMap<String, Launch>, AwsError> {
        let mut profiles = BTreeMap::new();
        for names in names.chunks(MAX_CONFIGURATIONS) {
            let names = names.iter().enumerate();
            let parameters: Vec<(String, &str)> = names
                .map(|(at, name)| (format!("LaunchConfigurationNames.member.{}", at + 1), *name))
                .collect();
            let pages: Vec<ConfigurationsResponse> = self
                .pages("DescribeLaunchConfigurations", &parameters)
                .await?;
            for page in pages {
                for found in page.result.launch_configurations.into_vec() {
                    let name = found.launch_configuration_name;
                    let profile = found.iam_instance_profile.filter(|name| !name.is_empty());
                    let profile = profile.ok_or_else(|| {
                        format!("the launch configuration {name} has no instance profile")
                    });
                    profiles.insert(name, profile);
                }
            }
        }
        Ok(profiles)
    }

    /// Calls an action for each page.
    async fn pages<T>(
        &self,
        action: &str,
        parameters: &[(String, &str)],
    ) -> Result<Vec<T>, AwsError>
    where
        T: Page,
    {
        let mut pages: Vec<T> = Vec::new();
        let mut token: Option<String> = None;
        let all = async {
            for _ in 0..MAX_PAGES {
                let with_token = parameters
                    .iter()
                    .map(|(name, value)| (name.as_str(), *value));
                let with_token: Vec<(&str, &str)> = with_token
                    .chain(token.as_deref().map(|token| ("NextToken", token)))
                    .collect();
                let page: T = self.call(action, &with_token).await?;
                let next = page.next_token().filter(|next| !next.is_empty());
                let next = next.map(str::to_owned);
                pages.push(page);
                match next {
                    None => return Ok(pages),
                    Some(_) if next == token => {
                        let why = format!("{action}: two pages have the same token");
                        return Err(AwsError::InvalidResponse { why });
                    }
                    Some(_) => token = next,
                }
            }
            Err(too_many_pages())
        };
        within(TIME_LIMIT, all).await
    }
}

/// The instance profile that instances are launched with, or why it is unknown.
type Launch = Result<String, String>;

/// The instance profiles of launch templates and launch configurations.
struct Profiles {
    of_templates: BTreeMap<Template, Launch>,
    of_configurations: BTreeMap<String, Launch>,
}

impl Profiles {
    async fn read(
        groups: &[Group],
        ec2: &QueryClient,
        auto_scaling: &QueryClient,
    ) -> Result<Self, ActionError> {
        let templates: BTreeSet<Template> = groups.iter().flat_map(Group::templates).collect();
        let read = map_concurrently(templates, |template| {
            let client = ec2.clone();
            async move {
                let profile = client.template_profile(&template).await;
                (template, profile)
            }
        });
        let of_templates: Result<_, AwsError> = read
            .await?
            .into_iter()
            .map(|(template, profile)| Ok((template, profile?)))
            .collect();
        let names = groups
            .iter()
            .filter_map(|group| group.launch_configuration_name.as_deref());
        let names: BTreeSet<&str> = names.collect();
        let names: Vec<&str> = names.into_iter().collect();
        let of_configurations = auto_scaling.configuration_profiles(&names).await;
        Ok(Self {
            of_templates: of_templates.map_err(of(DESCRIBE_TEMPLATES))?,
            of_configurations: of_configurations.map_err(of(DESCRIBE_CONFIGURATIONS))?,
        })
    }

    fn complete(&self, group: Group) -> ScalingGroup {
        let templates = group.templates();
        let templates = templates.filter_map(|template| self.of_templates.get(&template).cloned());
        let configuration = group.launch_configuration_name.as_ref().map(|name| {
            let missing = || Err(format!("the launch configuration {name} does not exist"));
            let known = self.of_configurations.get(name).cloned();
            known.unwrap_or_else(missing)
        });
        let mut result = ScalingGroup {
            desired_capacity: group.desired_capacity,
            ..ScalingGroup::default()
        };
        for launch in templates.chain(configuration) {
            match launch {
                Ok(profile) if !result.instance_profiles.contains(&profile) => {
                    result.instance_profiles.push(profile);
                }
                Err(why) if !result.obstacles.contains(&why) => result.obstacles.push(why),
                Ok(_) | Err(_) => {}
            }
        }
        result.name = group.auto_scaling_group_name;
        result
    }
}

trait Page: for<'de> Deserialize<'de> {
    fn next_token(&self) -> Option<&str>;
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstancesPage {
    #[serde(default)]
    reservation_set: Members<Reservation>,
    next_token: Option<String>,
}

impl Page for InstancesPage {
    fn next_token(&self) -> Option<&str> {
        self.next_token.as_deref()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reservation {
    #[serde(default)]
    instances_set: Members<InstanceItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstanceItem {
    instance_id: String,
    platform: Option<String>,
    iam_instance_profile: Option<ProfileItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProfileItem {
    arn: Option<String>,
    name: Option<String>,
}

impl From<InstanceItem> for Instance {
    fn from(item: InstanceItem) -> Self {
        let platform = item.platform.unwrap_or_default();
        Self {
            id: item.instance_id,
            is_windows: platform.eq_ignore_ascii_case("windows"),
            instance_profile: item.iam_instance_profile.and_then(|profile| profile.arn),
            ..Self::default()
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TemplateVersions {
    #[serde(default)]
    launch_template_version_set: Members<TemplateVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TemplateVersion {
    launch_template_data: Option<TemplateData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TemplateData {
    iam_instance_profile: Option<ProfileItem>,
}

#[derive(Deserialize)]
struct GroupsResponse {
    #[serde(rename = "DescribeAutoScalingGroupsResult")]
    result: GroupsPage,
}

impl Page for GroupsResponse {
    fn next_token(&self) -> Option<&str> {
        self.result.next_token.as_deref()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupsPage {
    #[serde(default)]
    auto_scaling_groups: Members<Group>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    auto_scaling_group_name: String,
    launch_configuration_name: Option<String>,
    launch_template: Option<Template>,
    mixed_instances_policy: Option<MixedInstancesPolicy>,
    #[serde(default)]
    desired_capacity: u32,
    #[serde(default)]
    tags: Members<Tag>,
}

impl Group {
    fn is_of_node_group(&self) -> bool {
        self.tags.iter().any(|tag| tag.key == NODE_GROUP_TAG)
    }

    fn templates(&self) -> impl Iterator<Item = Template> {
        let mixed = self.mixed_instances_policy.as_ref();
        let mixed = mixed.and_then(|policy| policy.launch_template.as_ref());
        let overrides = mixed.iter().flat_map(|mixed| mixed.overrides.iter());
        let overrides = overrides.filter_map(|one| one.launch_template_specification.clone());
        let mixed = mixed.and_then(|mixed| mixed.launch_template_specification.clone());
        let all: Vec<_> = self
            .launch_template
            .clone()
            .into_iter()
            .chain(mixed)
            .chain(overrides)
            .collect();
        all.into_iter()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
}

#[derive(Clone, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "PascalCase")]
struct Template {
    launch_template_id: Option<String>,
    launch_template_name: Option<String>,
    version: Option<String>,
}

impl Template {
    fn name(&self) -> &str {
        self.launch_template_name.as_deref().unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MixedInstancesPolicy {
    launch_template: Option<MixedTemplates>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MixedTemplates {
    launch_template_specification: Option<Template>,
    #[serde(default)]
    overrides: Members<TemplateOverride>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TemplateOverride {
    launch_template_specification: Option<Template>,
}

#[derive(Deserialize)]
struct ConfigurationsResponse {
    #[serde(rename = "DescribeLaunchConfigurationsResult")]
    result: ConfigurationsPage,
}

impl Page for ConfigurationsResponse {
    fn next_token(&self) -> Option<&str> {
        self.result.next_token.as_deref()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ConfigurationsPage {
    #[serde(default)]
    launch_configurations: Members<Configuration>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    launch_configuration_name: String,
    iam_instance_profile: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_name_the_templates_that_they_launch() {
        let text = "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups>\
             <member><AutoScalingGroupName>a</AutoScalingGroupName><DesiredCapacity>0</DesiredCapacity>\
             <LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>3</Version></LaunchTemplate></member>\
             <member><AutoScalingGroupName>b</AutoScalingGroupName><MixedInstancesPolicy><LaunchTemplate>\
             <LaunchTemplateSpecification><LaunchTemplateId>lt-2</LaunchTemplateId></LaunchTemplateSpecification>\
             <Overrides><member><InstanceType>m5.large</InstanceType></member><member><LaunchTemplateSpecification>\
             <LaunchTemplateName>arm</LaunchTemplateName></LaunchTemplateSpecification></member></Overrides>\
             </LaunchTemplate></MixedInstancesPolicy></member>\
             <member><AutoScalingGroupName>c</AutoScalingGroupName><Tags><member><Key>eks:nodegroup-name</Key>\
             <Value>ng</Value></member></Tags></member>\
             </AutoScalingGroups><NextToken>t</NextToken></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>";
        let page: GroupsResponse = quick_xml::de::from_str(text).expect("a page");
        assert_eq!(page.next_token(), Some("t"));
        let groups = page.result.auto_scaling_groups.into_vec();
        let templates: Vec<Vec<String>> = groups
            .iter()
            .map(|group| {
                let id = |one: Template| {
                    one.launch_template_id
                        .clone()
                        .unwrap_or(one.name().to_owned())
                };
                group.templates().map(id).collect()
            })
            .collect();
        assert_eq!(templates, [vec!["lt-1"], vec!["lt-2", "arm"], vec![]]);
        assert!(groups[2].is_of_node_group() && !groups[0].is_of_node_group());
    }

    #[test]
    fn empty_answers_of_ec2_have_no_items() {
        let text = "<DescribeInstancesResponse><requestId>r</requestId><reservationSet/></DescribeInstancesResponse>";
        let page: InstancesPage = quick_xml::de::from_str(text).expect("a page");
        assert!(page.reservation_set.into_vec().is_empty());
    }
}
