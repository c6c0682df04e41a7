import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { pinnedChart } from "../chart";
import { namespace } from "../namespace";
import { httpsRoute } from "../network/route";
import { secretHash } from "../secret-hash";
import type { GeneratedSecrets } from "../secrets";
import type { ServiceArgs } from "../service";
import { CLIENT_SECRET_VARIABLE, grafanaNames } from "./grafana";
import { kubePrometheusStackValues } from "./kube-prometheus-stack-values";
import { grafanaBackend, MONITORING_NAMESPACE, STACK_RELEASE } from "./names";
import { receiverFiles, RECEIVERS_SECRET } from "./receivers";
import { OrderedComponent } from "../ordered-component";

export interface KubePrometheusStackArgs extends ServiceArgs {
  secrets: GeneratedSecrets;
  /** The operator's CRDs are served. */
  crds: pulumi.Input<pulumi.Resource>[];
  /** The classes of the volumes are there: Longhorn's default one for Grafana, local-path for the others. */
  storage: pulumi.Input<pulumi.Resource>[];
  /** The gateway that Grafana's route attaches to. */
  gateway: pulumi.Input<pulumi.Resource>[];
}

/** Prometheus, Alertmanager and Grafana. Grafana logs people in at Authentik by itself. */
export class KubePrometheusStack extends OrderedComponent {
  /** Prometheus and Alertmanager are Available, Grafana's Deployment is up. */
  public readonly ready: pulumi.Resource[];
  /** Namespace of everything that watches. */
  public readonly namespace: pulumi.Output<string>;

  public constructor(name: string, args: KubePrometheusStackArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:monitoring:KubePrometheusStack", name, opts);
    const { homelab, secrets } = args;
    const child: pulumi.CustomResourceOptions = { parent: this };

    // Retained: a namespace takes the claims inside with it.
    const space = namespace(MONITORING_NAMESPACE, { homelab, gatewayAccess: true }, { ...child, retainOnDelete: true });
    this.namespace = space.name;
    const inSpace = (object: string) => ({ name: object, namespace: this.namespace });
    const secret = (suffix: string, object: string, stringData: Record<string, pulumi.Input<string>>) =>
      new core.Secret(`${name}-${suffix}`, { metadata: inSpace(object), stringData }, child);

    const clientSecret = secrets.oidcClientSecrets.grafana;
    const admin = secret("grafana-admin", grafanaNames.adminSecret, {
      "admin-user": "admin",
      "admin-password": secrets.grafanaAdminPassword,
    });
    const oidc = secret("grafana-oidc", grafanaNames.oidcSecret, { [CLIENT_SECRET_VARIABLE]: clientSecret });
    const files = Object.entries(receiverFiles(homelab)).map(([file, text]) => [file, pulumi.secret(text)] as const);
    const receivers = files.length > 0 ? [secret("receivers", RECEIVERS_SECRET, Object.fromEntries(files))] : [];

    // Longhorn, as the owner wishes: dashboards and users outlive a node. Nobody is alerted through Grafana.
    const claim = new core.PersistentVolumeClaim(
      `${name}-grafana-claim`,
      {
        metadata: inSpace(grafanaNames.claim),
        spec: {
          storageClassName: homelab.storage.tiers[homelab.storage.defaultTier].storageClass,
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: homelab.monitoring.grafana.size } },
        },
      },
      { ...child, retainOnDelete: true, dependsOn: args.storage },
    );

    const chart = pinnedChart(
      STACK_RELEASE,
      {
        homelab,
        chart: "kubePrometheusStack",
        namespace: this.namespace,
        values: kubePrometheusStackValues(homelab, secretHash(clientSecret, secrets.grafanaAdminPassword)),
      },
      { parent: this, dependsOn: [admin, oidc, ...receivers, claim, ...args.crds, ...args.storage] },
    );
    httpsRoute(
      `${name}-grafana-route`,
      { service: "grafana", host: homelab.hosts.grafana, namespace: this.namespace, backend: grafanaBackend },
      { ...child, dependsOn: [chart, ...args.gateway] },
    );
    this.ready = [chart];
    this.registerOutputs();
  }
}
