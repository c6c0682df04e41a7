import type { apps, rbac, storage } from "@pulumi/kubernetes/types/input";
import { LOCAL_PATH_CLASS } from "../../config/class-names";
import type { Homelab } from "../../config/homelab";
import { toYaml } from "../../config/yaml";
import { quote, readCode } from "../../nodes/host-script";

export const LOCAL_PATH_NAMESPACE = "local-path-storage";

const PROVISIONER = "rancher.io/local-path";
const CONFIG = "local-path-config";
const APP = "local-path-provisioner";
const labels = { "app.kubernetes.io/name": APP };

/**
 * Files of the provisioner's ConfigMap; it reads them again within half a minute of a change. Keys and their meaning:
 * local-path-provisioner v0.0.31 provisioner.go and main.go.
 */
export function localPathConfig(homelab: Homelab): Record<string, string> {
  const { path } = homelab.storage.localPath;
  const script = (source: string) => `#!/bin/sh\nBASE=${quote(path)}\n${readCode(source)}\n`;
  return {
    "config.json": JSON.stringify({
      nodePathMap: [{ node: "DEFAULT_PATH_FOR_NON_LISTED_NODES", paths: [path] }],
    }),
    setup: script("storage/local-path-setup.sh"),
    teardown: script("storage/local-path-teardown.sh"),
    "helperPod.yaml": toYaml(helperPod(homelab)),
  };
}

/** The provisioner puts this pod on a node to run one of the scripts there; it adds the volumes and the command. */
function helperPod(homelab: Homelab) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "helper-pod" },
    spec: {
      priorityClassName: "system-node-critical",
      automountServiceAccountToken: false,
      containers: [
        {
          // The provisioner looks for the logs of a container of this name.
          name: "helper-pod",
          image: homelab.versions.images.localPathHelper,
          imagePullPolicy: "IfNotPresent",
          securityContext: {
            allowPrivilegeEscalation: false,
            // Files in a volume belong to whatever user wrote them.
            capabilities: { drop: ["ALL"], add: ["DAC_OVERRIDE", "FOWNER"] },
            seccompProfile: { type: "RuntimeDefault" },
          },
          resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "64Mi" } },
        },
      ],
    },
  };
}

/**
 * What the provisioner may do in its own namespace. Upstream grants it every pod, pod log and ConfigMap of the cluster;
 * it only uses those of its namespace (provisioner.go createHelperPod, main.go findConfigFileFromConfigMap).
 */
export const localPathRole: rbac.v1.PolicyRule[] = [
  { apiGroups: [""], resources: ["pods"], verbs: ["get", "create", "delete"] },
  { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
  { apiGroups: [""], resources: ["configmaps"], resourceNames: [CONFIG], verbs: ["get"] },
];

/** What it may do in the whole cluster: the controller library's needs (sig-storage-lib-external-provisioner v10). */
export const localPathClusterRole: rbac.v1.PolicyRule[] = [
  { apiGroups: [""], resources: ["nodes", "persistentvolumeclaims"], verbs: ["get", "list", "watch"] },
  {
    apiGroups: [""],
    resources: ["persistentvolumes"],
    verbs: ["get", "list", "watch", "create", "patch", "update", "delete"],
  },
  { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
  { apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: ["get", "list", "watch"] },
];

export const localPathNames = {
  config: CONFIG,
  app: APP,
  /** The provisioner's own default (main.go DefaultServiceAccount); helper pods run under it too. */
  serviceAccount: "local-path-provisioner-service-account",
} as const;

/**
 * The class. Volumes are of type `local` instead of the provisioner's default hostPath, because Velero backs up no
 * hostPath volume and the kubelet applies no fsGroup to one. It waits for the pod, since the pod's node is the volume's.
 */
export const localPathClass: storage.v1.StorageClass = {
  metadata: { name: LOCAL_PATH_CLASS, annotations: { defaultVolumeType: "local" } },
  provisioner: PROVISIONER,
  volumeBindingMode: "WaitForFirstConsumer",
  reclaimPolicy: "Delete",
};

/** The provisioner: one pod that talks to the API server and touches no disk itself. */
export function localPathDeployment(homelab: Homelab): apps.v1.DeploymentSpec {
  return {
    replicas: 1,
    // Without leader election two of them would make the same volume.
    strategy: { type: "Recreate" },
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: localPathNames.serviceAccount,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65532,
          runAsGroup: 65532,
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [
          {
            name: APP,
            image: homelab.versions.images.localPathProvisioner,
            imagePullPolicy: "IfNotPresent",
            command: ["local-path-provisioner", "start", "--config", "/etc/config/config.json"],
            env: [
              { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
              { name: "CONFIG_MOUNT_PATH", value: "/etc/config/" },
            ],
            volumeMounts: [{ name: "config", mountPath: "/etc/config", readOnly: true }],
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ["ALL"] },
            },
            resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } },
          },
        ],
        volumes: [{ name: "config", configMap: { name: CONFIG } }],
      },
    },
  };
}
