import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { ETCD_S3_SECRET } from "../../nodes/k3s/config";
import type { BucketAccess } from "./b2-storage";
import { OrderedComponent } from "../ordered-component";

/**
 * S3 settings of K3s' etcd snapshots, without the keys. K3s prunes a folder to the configured number of snapshots, so
 * every generation has a folder of its own: a new and empty cluster can never push out the snapshots of the one before.
 *
 * Key names: k3s pkg/etcd/s3/config_secret.go; the endpoint has no scheme.
 */
export function etcdSnapshotSettings(homelab: Homelab): Record<string, string> {
  const { name, generation } = homelab.cluster;
  const { endpoint, region } = homelab.backup.b2;
  return {
    "etcd-s3-endpoint": endpoint,
    "etcd-s3-region": region,
    "etcd-s3-folder": `${name}/generation-${generation}`,
    "etcd-s3-bucket-lookup-type": "path",
    "etcd-s3-timeout": "10m",
  };
}

export interface EtcdSnapshotSecretArgs {
  homelab: Homelab;
  storage: BucketAccess;
}

/**
 * Where K3s takes its snapshots: read at each of them, so neither the bucket's key nor its rotation restarts K3s, and
 * the key never stands in a file on a node. It cannot serve a restore, which runs without an API server: there the same
 * settings are options of `k3s server --cluster-reset`.
 */
export class EtcdSnapshotSecret extends OrderedComponent {
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: EtcdSnapshotSecretArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:backup:EtcdSnapshotSecret", name, opts);
    const { bucket, keyId, key } = args.storage;
    const secret = new core.Secret(
      `${name}-s3`,
      {
        metadata: { name: ETCD_S3_SECRET, namespace: "kube-system" },
        type: "etcd.k3s.cattle.io/s3-config-secret",
        stringData: {
          ...etcdSnapshotSettings(args.homelab),
          "etcd-s3-bucket": bucket,
          "etcd-s3-access-key": keyId,
          "etcd-s3-secret-key": key,
        },
      },
      { parent: this },
    );
    this.ready = [secret];
    this.registerOutputs();
  }
}
