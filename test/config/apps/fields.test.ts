import { expect } from "chai";
import { podSpec } from "../../../components/apps/pod";
import { ConfigError } from "../../../config/issues";
import { home } from "../../support/home";
import { podSecurityErrors } from "../../support/pod-security";

type Fields = Record<string, unknown>;

/** The home stack whose Sonarr has these plain fields. */
const withFields = ({ pod = {}, container = {} }: { pod?: Fields; container?: Fields }) =>
  home((config) => {
    Object.assign(config.apps.sonarr, { pod, container });
  });

function refusedPaths(fields: Parameters<typeof withFields>[0]): string[] {
  try {
    withFields(fields);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.issues.map(({ path }) => path.replace("apps.sonarr.", ""));
    }
    throw error;
  }
}

describe("plain fields of Kubernetes", () => {
  // Fixtures are merge patches, in which null removes a key.
  it("null is refused, because it would take away what the program says", () => {
    for (const field of ["affinity", "securityContext", "tolerations", "volumes", "initContainers"]) {
      expect(refusedPaths({ pod: { [field]: null } }), field).to.deep.equal([`pod.${field}`]);
    }
    for (const field of ["securityContext", "env", "volumeMounts"]) {
      expect(refusedPaths({ container: { [field]: null } }), field).to.deep.equal([`container.${field}`]);
    }
    expect(refusedPaths({ container: { securityContext: { capabilities: null } } })).to.deep.equal([
      "container.securityContext.capabilities",
    ]);
  });

  it("what the baseline standard refuses is refused before anything is touched", () => {
    const bad: Parameters<typeof withFields>[0][] = [
      { pod: { securityContext: { seccompProfile: { type: "Unconfined" } } } },
      { container: { securityContext: { seccompProfile: { type: "Unconfined" } } } },
      { container: { securityContext: { appArmorProfile: { type: "Unconfined" } } } },
      { container: { securityContext: { procMount: "Unmasked" } } },
      { container: { securityContext: { privileged: true } } },
      { container: { securityContext: { windowsOptions: { hostProcess: true } } } },
      { container: { securityContext: { seLinuxOptions: { type: "spc_t" } } } },
      { container: { securityContext: { capabilities: { drop: ["ALL"], add: ["SYS_TIME"] } } } },
      { pod: { securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } } },
      { pod: { volumes: [{ name: "root", hostPath: { path: "/" } }] } },
      { pod: { initContainers: [{ name: "one", image: "a/b:1", ports: [{ containerPort: 80, hostPort: 80 }] }] } },
    ];
    const { apps } = home();
    const homelab = home();
    const sonarr = apps.find(({ name }) => name === "sonarr");
    for (const fields of bad) {
      const app = { ...sonarr, pod: fields.pod ?? {}, container: fields.container ?? {} } as (typeof apps)[number];
      expect(podSecurityErrors("baseline", podSpec(homelab, app)), JSON.stringify(fields)).to.have.length(1);
      expect(refusedPaths(fields), JSON.stringify(fields)).to.have.length(1);
    }
  });

  it("what undoes no promise is let through", () => {
    expect(
      refusedPaths({
        pod: {
          securityContext: {
            supplementalGroups: [44],
            sysctls: [{ name: "net.ipv4.tcp_keepalive_time", value: "60" }],
          },
          affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
          tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists", tolerationSeconds: 30 }],
          dnsConfig: { options: [{ name: "ndots", value: "1" }] },
          volumes: [
            { name: "space", emptyDir: { medium: "Memory", sizeLimit: "64Mi" } },
            { name: "mine", persistentVolumeClaim: { claimName: "sonarr-config" } },
            { name: "restored", persistentVolumeClaim: { claimName: "made-by-hand" } },
          ],
        },
        container: {
          securityContext: {
            readOnlyRootFilesystem: false,
            capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
          },
          volumeMounts: [{ name: "space", mountPath: "/space" }],
          env: [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        },
      }),
    ).to.deep.equal([]);
  });

  it("tolerations come to those of the app's nodes", () => {
    const own = [{ key: "node.kubernetes.io/not-ready", operator: "Exists", tolerationSeconds: 30 }];
    const homelab = home((config) => {
      config.machines.k3s3.taints = ["gpu=yes:NoSchedule"];
      config.apps.jellyfin.pod = { tolerations: own };
    });
    const jellyfin = homelab.apps.find(({ name }) => name === "jellyfin");
    const { tolerations } = podSpec(homelab, jellyfin as NonNullable<typeof jellyfin>);
    expect(tolerations).to.have.length(2).and.to.deep.include(own[0]);
    expect(JSON.stringify(tolerations)).to.contain('"gpu"');
  });
});
