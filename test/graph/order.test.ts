import { expect } from "chai";
import { clock } from "../../plan/durations";
import type { RecordedResource } from "../../plan/record";
import { recordedHome, revealed, type RecordedStack } from "../support/stack";

const COMMAND = /^command:remote:Command$/;
const CHART = /^kubernetes:helm\.sh\/v4:Chart$/;

describe("graph: order", () => {
  let stack: RecordedStack;

  before(async () => {
    stack = await recordedHome();
  });

  const step = (name: string) => stack.one(COMMAND, new RegExp(`^${name}-apply$`));
  const chart = (name: string) => stack.one(CHART, new RegExp(`^${name}$`));
  /** Fails with both names if the first does not wait for the second. */
  const waits = (one: RecordedResource, other: RecordedResource) =>
    expect(stack.waitsFor(one, other), `${one.name} waits for ${other.name}`).to.equal(true);
  const doesNotWait = (one: RecordedResource, other: RecordedResource) =>
    expect(stack.waitsFor(one, other), `${one.name} needs no ${other.name}`).to.equal(false);

  it("machines: hypervisor, VM, bootstrap, K3s", () => {
    waits(step("k3s-master1-vm-vm"), step("r730-packages"));
    waits(step("k3s-master1-vm-first-boot"), step("k3s-master1-vm-vm"));
    waits(step("k3s-master1-os-os"), step("k3s-master1-vm-first-boot"));
    waits(step("k3s-k3s-master1"), step("k3s-master1-os-os"));
    for (const worker of ["k3s1", "k3s2", "k3s3"]) {
      waits(step(`k3s-${worker}`), step(`${worker}-os-os`));
      waits(step(`k3s-${worker}`), step("k3s-k3s-master1"));
    }
  });

  it("a login on a machine before any of its steps, and on the VM after its hypervisor has made it", () => {
    const logins = stack.ofType(/:HostLogin$/);
    expect(logins.map(({ name }) => name).sort()).to.deep.equal([
      "k3s-master1-vm-login",
      ...["k3s1-login", "k3s2-login", "k3s3-login", "r730-login"],
    ]);
    const hostOf = ({ inputs }: RecordedResource) => (revealed(inputs.connection) as { host: string }).host;
    for (const login of logins) {
      const steps = stack.ofType(COMMAND).filter((one) => hostOf(one) === hostOf(login));
      expect(steps.length, login.name).to.be.greaterThan(2);
      steps.forEach((one) => waits(one, login));
    }
    waits(stack.one(/:HostLogin$/, /^k3s-master1-vm-login$/), step("k3s-master1-vm-vm"));
    doesNotWait(stack.one(/:HostLogin$/, /^k3s1-login$/), step("r730-preflight"));
  });

  it("driver and container toolkit before K3s, and nothing else runs while the machine may reboot", () => {
    waits(step("k3s-k3s3"), step("k3s3-gpu-driver"));
    waits(step("k3s-k3s3"), step("k3s3-gpu-verify"));
    waits(step("k3s3-gpu-driver"), step("k3s3-os-os"));
    waits(step("k3s3-gpu-driver"), step("k3s3-disks-disks"));
  });

  it("disks mounted before Longhorn is given any", () => {
    for (const worker of ["k3s1", "k3s2", "k3s3"]) {
      for (const patch of stack.ofType(/^kubernetes:longhorn\.io\/v1beta2:NodePatch$/)) {
        waits(patch, step(`${worker}-disks-disks`));
      }
    }
    expect(stack.ofType(/^kubernetes:longhorn\.io\/v1beta2:NodePatch$/)).to.have.length(3);
  });

  it("CRDs before everything that uses them", () => {
    const gatewayCrds = step("gateway-api-crds-crds");
    const monitoringCrds = step("monitoring-crds-bundle");
    waits(chart("cilium"), gatewayCrds);
    stack.ofType(/^kubernetes:gateway\.networking\.k8s\.io/).forEach((object) => waits(object, gatewayCrds));
    stack.ofType(/^kubernetes:monitoring\.coreos\.com/).forEach((object) => waits(object, monitoringCrds));
    for (const name of ["cilium", "longhorn", "kube-prometheus-stack", "velero", "dcgm-exporter", "alloy"]) {
      waits(chart(name), monitoringCrds);
    }
    stack.ofType(/^kubernetes:cilium\.io/).forEach((object) => waits(object, step("cilium-operator-ready")));
    stack.ofType(/^kubernetes:cert-manager\.io/).forEach((object) => waits(object, chart("cert-manager")));
    stack.ofType(/^kubernetes:velero\.io/).forEach((object) => waits(object, chart("velero")));
    stack.ofType(/^kubernetes:longhorn\.io/).forEach((object) => waits(object, chart("longhorn")));
  });

  it("logins before what they protect: OIDC answers, then the proxies start", () => {
    for (const service of ["prometheus", "alertmanager", "longhorn"]) {
      waits(chart(`oauth2-proxy-${service}`), step("authentik-discovery"));
      waits(stack.one(/HTTPRoute$/, new RegExp(`^oauth2-proxy-${service}`)), chart(`oauth2-proxy-${service}`));
    }
    waits(step("authentik-discovery"), step("certificates-ready"));
    waits(step("authentik-discovery"), chart("authentik"));
  });

  it("volumes only where their class has disks", () => {
    for (const name of ["authentik", "kube-prometheus-stack"]) {
      waits(chart(name), step("longhorn-disks"));
      waits(chart(name), step("longhorn-csi"));
    }
  });

  it("backups: the bucket answers before a schedule exists", () => {
    const schedules = stack.ofType(/^kubernetes:velero\.io\/v1:Schedule$/);
    expect(schedules).to.have.length(3);
    schedules.forEach((schedule) => waits(schedule, step("velero-location")));
    waits(chart("velero"), stack.one(/^b2:index\/applicationKey/, /velero/));
  });

  it("has no edge that the order does not need", () => {
    // Workers are set up side by side, and beside the hypervisor.
    doesNotWait(step("k3s-k3s1"), step("k3s-k3s2"));
    doesNotWait(step("k3s2-os-os"), step("k3s1-os-os"));
    doesNotWait(step("k3s1-os-os"), step("r730-packages"));
    // The node that reboots for its driver holds up only what reaches into it.
    const slowest = step("k3s3-gpu-driver");
    for (const quick of ["cilium", "cert-manager", "longhorn", "loki"]) {
      doesNotWait(chart(quick), slowest);
    }
    doesNotWait(step("certificates-ready"), slowest);
    // Services that know nothing of each other.
    doesNotWait(chart("authentik"), chart("kube-prometheus-stack"));
    doesNotWait(chart("velero"), chart("longhorn"));
    doesNotWait(chart("velero"), chart("kube-prometheus-stack"));
    doesNotWait(chart("nvidia-device-plugin"), chart("longhorn"));
    doesNotWait(chart("cert-manager"), chart("longhorn"));
    doesNotWait(step("k3s-k3s-master1"), step("r730-exports"));
  });

  it("prints the critical path", () => {
    const { criticalPath, seconds } = stack.graph;
    const long = criticalPath.filter((one) => one.seconds >= 15).map(({ name }) => name.replace(/-apply$/, ""));
    console.log(`      about ${clock(seconds)} minutes: ${long.join(" > ")}`);
    expect(criticalPath[0].start).to.equal(0);
    expect(criticalPath[criticalPath.length - 1].end).to.equal(seconds);
    expect(seconds, "the chain of steps adds up").to.equal(criticalPath.reduce((sum, one) => sum + one.seconds, 0));
  });
});
