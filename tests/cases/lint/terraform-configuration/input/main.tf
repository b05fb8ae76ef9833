module "eks" {
  manage_aws_auth_configmap = true
  aws_auth_roles = []
}
