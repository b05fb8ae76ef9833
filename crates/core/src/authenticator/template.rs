//! The templates in usernames and groups.

use super::User;
use crate::arn::quote;
use std::collections::BTreeMap;

/// A placeholder in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Placeholder {
    /// The private DNS name of the EC2 instance after which the session is named.
    Ec2PrivateDnsName,
    /// The account of the identity.
    AccountId,
    /// The session name with `-` instead of `@`.
    SessionName,
    /// The session name.
    SessionNameRaw,
    /// The access key id that signed the request.
    AccessKeyId,
}

impl Placeholder {
    /// All placeholders, in the order in which the authenticator replaces them.
    pub const ALL: [Self; 5] = [
        Self::Ec2PrivateDnsName,
        Self::AccountId,
        Self::SessionName,
        Self::SessionNameRaw,
        Self::AccessKeyId,
    ];

    /// Returns the text of the placeholder in a template.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Ec2PrivateDnsName => "{{EC2PrivateDNSName}}",
            Self::AccountId => "{{AccountID}}",
            Self::SessionName => "{{SessionName}}",
            Self::SessionNameRaw => "{{SessionNameRaw}}",
            Self::AccessKeyId => "{{AccessKeyID}}",
        }
    }
}

/// Why the authenticator cannot render an entry and refuses the login. The messages are the authenticator's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "mapper EKSConfigMap renderTemplates error: error rendering {} template {}: {cause}",
    field.name(),
    quote(template)
)]
pub struct TemplateError {
    pub field: Field,
    /// The field's text.
    pub template: String,
    pub cause: Cause,
}

/// A field of an entry that may contain a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `username`
    Username,
    /// An element of `groups`.
    Group,
}

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Group => "group",
        }
    }
}

/// Why `{{EC2PrivateDNSName}}` cannot be replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The session is not named after an EC2 instance.
    #[error("SessionName did not contain an instance id")]
    NoInstanceId,
    /// EC2 does not know the instance. The authenticator's message ends with a space.
    #[error("failed to find node {0} ")]
    UnknownInstance(String),
}

/// The values of the placeholders; `None` if unknown.
pub(super) struct Values<'a> {
    pub(super) account: &'a str,
    pub(super) session_name: Option<&'a str>,
    pub(super) access_key_id: Option<&'a str>,
    pub(super) private_dns_name: PrivateDnsName<'a>,
}

/// The source of the private DNS name.
pub(super) enum PrivateDnsName<'a> {
    /// From EC2, which knows these instances.
    Of(&'a BTreeMap<String, String>),
    Given(&'a str),
    Unknown,
}

impl Values<'_> {
    /// Renders the user that an entry names, username first. A placeholder whose value is unknown is not replaced, and is
    /// added to `missing`.
    pub(super) fn render(
        &self,
        template: &User,
        missing: &mut Vec<Placeholder>,
    ) -> Result<User, TemplateError> {
        let mut render = |field, template: &str| {
            self.render_text(template, missing)
                .map_err(|cause| TemplateError {
                    field,
                    template: template.to_owned(),
                    cause,
                })
        };
        let username = render(Field::Username, &template.username)?;
        let groups = template
            .groups
            .iter()
            .map(|group| render(Field::Group, group));
        Ok(User {
            groups: groups.collect::<Result<_, _>>()?,
            username,
        })
    }

    fn render_text(&self, template: &str, missing: &mut Vec<Placeholder>) -> Result<String, Cause> {
        let mut text = template.to_owned();
        // A value may itself contain a placeholder, which a later step replaces.
        for placeholder in Placeholder::ALL {
            if !text.contains(placeholder.text()) {
                continue;
            }
            match self.value(placeholder)? {
                Some(value) => text = text.replace(placeholder.text(), &value),
                None if missing.contains(&placeholder) => {}
                None => missing.push(placeholder),
            }
        }
        Ok(text)
    }

    fn value(&self, placeholder: Placeholder) -> Result<Option<String>, Cause> {
        let value = match placeholder {
            Placeholder::Ec2PrivateDnsName => return self.private_dns_name(),
            Placeholder::AccountId => Some(self.account),
            Placeholder::SessionName => {
                return Ok(self.session_name.map(|name| name.replace('@', "-")));
            }
            Placeholder::SessionNameRaw => self.session_name,
            Placeholder::AccessKeyId => self.access_key_id,
        };
        Ok(value.map(str::to_owned))
    }

    fn private_dns_name(&self) -> Result<Option<String>, Cause> {
        if self.session_name.is_some_and(|name| !is_instance_id(name)) {
            return Err(Cause::NoInstanceId);
        }
        match self.private_dns_name {
            PrivateDnsName::Given(name) => Ok(Some(name.to_owned())),
            PrivateDnsName::Unknown => Ok(None),
            PrivateDnsName::Of(names) => {
                let instance = self.session_name.unwrap_or_default();
                let name = names.get(instance).cloned();
                name.map(Some)
                    .ok_or_else(|| Cause::UnknownInstance(instance.to_owned()))
            }
        }
    }
}

fn is_instance_id(session_name: &str) -> bool {
    session_name.strip_prefix("i-").is_some_and(|id| {
        (id.len() == 8 || id.len() == 17)
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(username: &str, values: &Values<'_>) -> (String, Vec<Placeholder>) {
        let template = User {
            username: username.to_owned(),
            groups: Vec::new(),
        };
        let mut missing = Vec::new();
        let user = values.render(&template, &mut missing);
        (
            user.map_or_else(|error| error.to_string(), |user| user.username),
            missing,
        )
    }

    fn values(session_name: Option<&'static str>) -> Values<'static> {
        Values {
            account: "111122223333",
            session_name,
            access_key_id: None,
            private_dns_name: PrivateDnsName::Unknown,
        }
    }

    #[test]
    fn unknown_placeholder_is_kept_and_reported_once() {
        use Placeholder::{AccessKeyId, Ec2PrivateDnsName, SessionName};
        let text = "{{SessionName}}/{{AccountID}}/{{SessionName}}/{{AccessKeyID}}/{{sessionname}}";
        assert_eq!(
            render(text, &values(None)),
            (
                "{{SessionName}}/111122223333/{{SessionName}}/{{AccessKeyID}}/{{sessionname}}"
                    .to_owned(),
                vec![SessionName, AccessKeyId]
            )
        );
        assert_eq!(
            render("{{EC2PrivateDNSName}}", &values(Some("i-12345678"))),
            ("{{EC2PrivateDNSName}}".to_owned(), vec![Ec2PrivateDnsName])
        );
    }

    #[test]
    fn session_that_is_no_instance_is_rejected() {
        let refused = "mapper EKSConfigMap renderTemplates error: error rendering username template \
                       \"\\\"{{EC2PrivateDNSName}}\": SessionName did not contain an instance id";
        for session in [
            "",
            "alice",
            "i-1234567",
            "i-123456789",
            "i-1234567é",
            "x-12345678",
            "i-1234567\n",
        ] {
            assert_eq!(
                render("\"{{EC2PrivateDNSName}}", &values(Some(session))),
                (refused.to_owned(), vec![]),
                "{session:?}"
            );
        }
    }
}
