import * as b2 from "@pulumi/b2";
import * as pulumi from "@pulumi/pulumi";
import type { Homelab } from "../../config/homelab";
import { OrderedComponent } from "../ordered-component";
import { bucketCapabilities } from "./bucket-capabilities";

/** What a client needs for one bucket; region and endpoint are in the configuration. */
export interface BucketAccess {
  bucket: pulumi.Output<string>;
  /** Access key id in the words of S3. */
  keyId: pulumi.Output<string>;
  /** Secret access key in the words of S3. */
  key: pulumi.Output<string>;
}

/**
 * The buckets outside the house, and one key for each that opens nothing else. They belong to no generation of the
 * cluster: a rebuild is restored from them. So this is constructed beside the platform, never below it.
 *
 * Object lock stays off: kopia rewrites and deletes its own files in maintenance, so a retention must outlast every
 * backup's and then cannot be shortened, and a bucket under compliance mode cannot be removed by anybody. A key stolen
 * from the cluster can therefore delete backups; the master key of the configuration never enters the cluster.
 */
export class B2Storage extends OrderedComponent {
  public readonly velero: BucketAccess;
  public readonly etcd: BucketAccess;

  public constructor(name: string, args: { homelab: Homelab }, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:backup:B2Storage", name, opts);
    const { b2: account } = args.homelab.backup;
    const { b2ApplicationKeyId, b2ApplicationKey } = args.homelab.secrets;
    const provider = new b2.Provider(
      `${name}-account`,
      { applicationKeyId: pulumi.secret(b2ApplicationKeyId), applicationKey: pulumi.secret(b2ApplicationKey) },
      { parent: this },
    );
    const access = (purpose: string, bucketName: string): BucketAccess => {
      const bucket = new b2.Bucket(`${name}-${purpose}`, bucketArgs(bucketName), {
        parent: this,
        provider,
        protect: true,
        retainOnDelete: true,
      });
      const key = new b2.ApplicationKey(
        `${name}-${purpose}-key`,
        {
          keyName: `${args.homelab.cluster.name}-${purpose}`,
          bucketIds: [bucket.bucketId],
          capabilities: [...bucketCapabilities],
        },
        { parent: this, provider, additionalSecretOutputs: ["applicationKey"] },
      );
      return {
        bucket: bucket.bucketName,
        keyId: key.applicationKeyId,
        key: pulumi.secret(key.applicationKey),
      };
    };
    this.velero = access("velero", account.veleroBucket);
    this.etcd = access("etcd", account.etcdBucket);
    this.registerOutputs();
  }
}

/** A private, encrypted bucket that forgets what was deleted from it. */
export function bucketArgs(bucketName: string): b2.BucketArgs {
  return {
    bucketName,
    bucketType: "allPrivate",
    defaultServerSideEncryption: { mode: "SSE-B2", algorithm: "AES256" },
    lifecycleRules: [
      {
        fileNamePrefix: "",
        // A DELETE through S3 only hides a file: without this the bucket keeps, and bills, everything for ever.
        daysFromHidingToDeleting: 1,
        // Parts of uploads that were broken off are invisible and billed too.
        daysFromStartingToCancelingUnfinishedLargeFiles: 7,
      },
    ],
  };
}
