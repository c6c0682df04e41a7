import type { Homelab } from "../../config/homelab";
import type { HelmValues } from "../chart";
import { SECRET_HASH_ANNOTATION } from "../secret-hash";
import { veleroNames } from "./schedules";

/**
 * Values of the Velero chart 11.4 (Velero 1.17). Its hooks are not needed: CRDs are the chart's own objects, and nothing
 * labels the namespace but us.
 *
 * @param credentialsHash digest of the bucket's key; a new key restarts server and node agents.
 */
export function veleroValues(homelab: Homelab, credentialsHash: unknown): HelmValues {
  const { b2, mode } = homelab.backup;
  const { kubeletRoot } = homelab.cluster;
  return {
    credentials: { existingSecret: veleroNames.credentials },
    configuration: {
      backupStorageLocation: [
        {
          name: veleroNames.location,
          provider: "aws",
          bucket: b2.veleroBucket,
          default: true,
          // While restoring nothing may write, and nothing may expire.
          accessMode: mode === "restore" ? "ReadOnly" : "ReadWrite",
          validationFrequency: "5m",
          config: {
            region: b2.region,
            s3Url: `https://${b2.endpoint}`,
            s3ForcePathStyle: "true",
            // B2 refuses the checksum headers that the plugin adds by default.
            checksumAlgorithm: "",
          },
        },
      ],
      uploaderType: "kopia",
      // `defaultVolumesToFsBackup` stays off here: a backup by hand has no policy that skips the media.
    },
    snapshotsEnabled: false,
    initContainers: [
      {
        name: "velero-plugin-for-aws",
        image: homelab.versions.images.veleroPluginForAws,
        imagePullPolicy: "IfNotPresent",
        volumeMounts: [{ mountPath: "/target", name: "plugins" }],
      },
    ],
    podAnnotations: { [SECRET_HASH_ANNOTATION]: credentialsHash },
    deployNodeAgent: true,
    nodeAgent: {
      podVolumePath: `${kubeletRoot}/pods`,
      pluginVolumePath: `${kubeletRoot}/plugins`,
      // A volume is read on the node of its pod, and pods may be on any.
      tolerations: [{ operator: "Exists" }],
      resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "2Gi" } },
    },
    resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "1Gi" } },
    upgradeCRDs: false,
    cleanUpCRDs: false,
    // `autodetect` would ask the API server of the moment, which on an empty cluster knows nothing. Nor can it say then
    // that a monitor belongs into a namespace, and the chart names none: it would land in `default`, and move later.
    metrics: {
      enabled: true,
      serviceMonitor: { enabled: true, autodetect: false, namespace: veleroNames.namespace },
      nodeAgentPodMonitor: { enabled: true, autodetect: false, namespace: veleroNames.namespace },
    },
  };
}

/** The bucket's key as an AWS credentials file. */
export function credentialsFile(keyId: string, key: string): string {
  return `[default]\naws_access_key_id=${keyId}\naws_secret_access_key=${key}\n`;
}
