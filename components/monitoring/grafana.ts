import type { Input } from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import type { HelmValues } from "../chart";
import { oidcClientId, oidcEndpoints } from "../identity/oidc";
import { SECRET_HASH_ANNOTATION } from "../secret-hash";
import { clusterUrl, lokiBackend, MONITORING_NAMESPACE } from "./names";
import { awayFromControlPlane } from "./placement";

/** Objects that the values refer to by name. */
export const grafanaNames = {
  /** Keys admin-user and admin-password. */
  adminSecret: "grafana-admin",
  /** Environment: the client secret. */
  oidcSecret: "grafana-oidc",
  claim: "grafana",
} as const;

/**
 * How dashboards reach Grafana: a sidecar copies every ConfigMap with this label into a folder below `path`, and Grafana
 * shows that folder. Label, value and path are the chart's own.
 */
export const dashboardSidecar = {
  label: "grafana_dashboard",
  labelValue: "1",
  path: "/tmp/dashboards",
  folderAnnotation: "grafana_folder",
  /** Folder of our own dashboards; the chart's lie beside it. */
  folder: "Homelab",
} as const;

/** File of a dashboard: its key in the ConfigMap, and its name in the folder. */
export function dashboardFile(uid: string): string {
  return `${uid}.json`;
}

/** uid of the dashboard that people see first. */
export const HOME_DASHBOARD = "homelab-home";

/** Variable of the OIDC secret, as grafana.ini reads it. */
export const CLIENT_SECRET_VARIABLE = "OIDC_CLIENT_SECRET";

/**
 * Grafana's role from Authentik's groups, as a JMESPath. Together with role_attribute_strict, who is in neither group is
 * turned away: the chain then ends in `false`, which is no role.
 */
export function roleAttributePath({ admins, viewers }: Homelab["identity"]["groups"]): string {
  const member = (group: string) => `contains(groups[*], '${group.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}')`;
  return `${member(admins)} && 'GrafanaAdmin' || ${member(viewers)} && 'Viewer'`;
}

/** grafana.ini as sections. Login is Authentik's; the form stays for `admin`, for the day on which Authentik is down. */
export function grafanaIni(homelab: Homelab): Record<string, Record<string, string | boolean>> {
  const endpoints = oidcEndpoints(homelab, "grafana");
  // The staging CA of Let's Encrypt is in no trust store, so with it no token could ever be fetched.
  const staging = homelab.network.certificates.issuer === "staging";
  return {
    server: { root_url: `https://${homelab.hosts.grafana}/`, domain: homelab.hosts.grafana },
    analytics: { reporting_enabled: false, check_for_updates: false, check_for_plugin_updates: false },
    security: { cookie_secure: true },
    users: { allow_sign_up: false },
    dashboards: {
      default_home_dashboard_path: [dashboardSidecar.path, dashboardSidecar.folder, dashboardFile(HOME_DASHBOARD)].join(
        "/",
      ),
    },
    auth: { signout_redirect_url: endpoints.endSession },
    "auth.anonymous": { enabled: false },
    "auth.generic_oauth": {
      enabled: true,
      name: "Authentik",
      allow_sign_up: true,
      client_id: oidcClientId("grafana"),
      client_secret: `$__env{${CLIENT_SECRET_VARIABLE}}`,
      scopes: "openid profile email",
      auth_url: endpoints.authorization,
      token_url: endpoints.token,
      api_url: endpoints.userinfo,
      login_attribute_path: "preferred_username",
      use_pkce: true,
      role_attribute_path: roleAttributePath(homelab.identity.groups),
      role_attribute_strict: true,
      allow_assign_grafana_admin: true,
      ...(staging ? { tls_skip_verify_insecure: true } : {}),
    },
  };
}

/**
 * Values below `grafana` (subchart 10.0.0).
 *
 * @param hash changes with the secrets, which the pod reads once at its start.
 */
export function grafanaValues(homelab: Homelab, hash: Input<string>): HelmValues {
  return {
    // Else the password is the well-known prom-operator. Grafana takes it at its first start only.
    admin: { existingSecret: grafanaNames.adminSecret },
    envFromSecret: grafanaNames.oidcSecret,
    podAnnotations: { [SECRET_HASH_ANNOTATION]: hash },
    // The claim is ours, so it outlives the release. The look-up is off as well: it would fill in spec.volumeName at the
    // second run, which replaces a claim.
    persistence: { enabled: true, existingClaim: grafanaNames.claim, lookupVolumeName: false },
    // One volume, one pod: a rolling update would wait for ever for the old one to let go.
    deploymentStrategy: { type: "Recreate" },
    // Longhorn honours fsGroup; the chart's init container would run as root to no end.
    initChownData: { enabled: false },
    // A test of Helm's, which is a hook.
    testFramework: { enabled: false },
    affinity: awayFromControlPlane(homelab),
    resources: { requests: { cpu: "50m", memory: "256Mi" }, limits: { memory: "1Gi" } },
    // The sidecar looks for ConfigMaps in its own namespace. The chart's default reads every Secret of the cluster.
    rbac: { namespaced: true },
    sidecar: {
      dashboards: {
        searchNamespace: MONITORING_NAMESPACE,
        resource: "configmap",
        label: dashboardSidecar.label,
        labelValue: dashboardSidecar.labelValue,
        folder: dashboardSidecar.path,
        folderAnnotation: dashboardSidecar.folderAnnotation,
        provider: { foldersFromFilesStructure: true },
      },
      datasources: { searchNamespace: MONITORING_NAMESPACE, resource: "configmap" },
    },
    additionalDataSources: [
      { name: "Loki", type: "loki", uid: "loki", access: "proxy", url: clusterUrl(lokiBackend), isDefault: false },
    ],
    "grafana.ini": grafanaIni(homelab),
  };
}
