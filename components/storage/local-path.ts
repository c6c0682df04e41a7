import { Deployment } from "@pulumi/kubernetes/apps/v1";
import { ConfigMap, ServiceAccount } from "@pulumi/kubernetes/core/v1";
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "@pulumi/kubernetes/rbac/v1";
import { StorageClass } from "@pulumi/kubernetes/storage/v1";
import * as pulumi from "@pulumi/pulumi";
import { namespace } from "../namespace";
import type { ServiceArgs } from "../service";
import {
  LOCAL_PATH_NAMESPACE,
  localPathClass,
  localPathClusterRole,
  localPathConfig,
  localPathDeployment,
  localPathNames,
  localPathRole,
} from "./local-path-manifests";
import { OrderedComponent } from "../ordered-component";

/**
 * Volumes on a node's own disk, for caches and what may be lost with the node. The provisioner is ours, because the one
 * that K3s ships (disabled in its config) would be a second default class and is reapplied at every start.
 */
export class LocalPath extends OrderedComponent {
  /** Wait for these before a volume is claimed. */
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:storage:LocalPath", name, opts);
    const { homelab } = args;
    const { app, serviceAccount: account, config: configName } = localPathNames;
    const child = { parent: this };

    const home = namespace(LOCAL_PATH_NAMESPACE, { homelab }, child);
    const inside = (objectName: string) => ({ name: objectName, namespace: home.name });

    const serviceAccount = new ServiceAccount(`${name}-account`, { metadata: inside(account) }, child);
    const subjects = [{ kind: "ServiceAccount", ...inside(account) }];
    const grants = [
      new Role(`${name}-role`, { metadata: inside(app), rules: localPathRole }, child),
      new RoleBinding(
        `${name}-role-binding`,
        {
          metadata: inside(app),
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: app },
          subjects,
        },
        child,
      ),
      new ClusterRole(`${name}-cluster-role`, { metadata: { name: app }, rules: localPathClusterRole }, child),
      new ClusterRoleBinding(
        `${name}-cluster-role-binding`,
        {
          metadata: { name: app },
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: app },
          subjects,
        },
        child,
      ),
    ];
    const config = new ConfigMap(
      `${name}-config`,
      { metadata: inside(configName), data: localPathConfig(homelab) },
      child,
    );
    const provisioner = new Deployment(
      `${name}-provisioner`,
      { metadata: inside(app), spec: localPathDeployment(homelab) },
      { ...child, dependsOn: [serviceAccount, config, ...grants] },
    );
    const storageClass = new StorageClass(`${name}-class`, localPathClass, child);

    this.ready = [provisioner, storageClass];
    this.registerOutputs();
  }
}
