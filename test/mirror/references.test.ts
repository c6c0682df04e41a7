import { expect } from "chai";
import { fullReference, imagesIn } from "../../mirror/references";

describe("image references", () => {
  it("are completed as containerd completes them", () => {
    const cases: Record<string, string> = {
      nginx: "docker.io/library/nginx:latest",
      "nginx:1.27": "docker.io/library/nginx:1.27",
      "rancher/local-path-provisioner:v0.0.31": "docker.io/rancher/local-path-provisioner:v0.0.31",
      "docker.io/library/busybox:1": "docker.io/library/busybox:1",
      "docker.io/busybox:1": "docker.io/library/busybox:1",
      "quay.io/cilium/cilium:v1.17.18@sha256:aa": "quay.io/cilium/cilium:v1.17.18@sha256:aa",
      "localhost:5000/app": "localhost:5000/app:latest",
      "registry.example:5000/a/b/c:2": "registry.example:5000/a/b/c:2",
    };
    for (const [given, full] of Object.entries(cases)) {
      expect(fullReference(given), given).to.equal(full);
    }
  });

  it("are found in the field image at any depth, and in arguments and variables that can be nothing else", () => {
    const found = imagesIn([
      {
        spec: {
          template: {
            spec: {
              initContainers: [{ image: "busybox:1" }],
              containers: [
                {
                  image: "longhornio/longhorn-manager:v1.6.2",
                  command: ["longhorn-manager", "-d", "daemon", "--engine-image", "longhornio/longhorn-engine:v1.6.2"],
                  args: ["--prometheus-config-reloader=quay.io/prometheus-operator/prometheus-config-reloader:v0.85.0"],
                  env: [{ name: "CSI_ATTACHER_IMAGE", value: "longhornio/csi-attacher:v4.5.1" }],
                },
              ],
            },
          },
        },
      },
      { kind: "Prometheus", spec: { image: "quay.io/prometheus/prometheus:v3.5.0" } },
    ]);
    expect([...found].sort()).to.deep.equal([
      "docker.io/library/busybox:1",
      "docker.io/longhornio/csi-attacher:v4.5.1",
      "docker.io/longhornio/longhorn-engine:v1.6.2",
      "docker.io/longhornio/longhorn-manager:v1.6.2",
      "quay.io/prometheus-operator/prometheus-config-reloader:v0.85.0",
      "quay.io/prometheus/prometheus:v3.5.0",
    ]);
  });

  it("are not seen in paths, addresses, URLs and sockets", () => {
    const args = [
      "--config=/etc/app/config.yaml",
      "--upstream=http://loki.monitoring:3100/api",
      "unix:///csi/csi.sock",
      "10.0.0.1:9100",
      "prometheus.monitoring.svc:9090",
      "/var/lib/kubelet:/var/lib/kubelet",
      "--log=info",
    ];
    expect([...imagesIn({ args })]).to.deep.equal([]);
  });
});
