import { expect } from "chai";
import { chartSources, defaultPins, type ChartName } from "../../config/pins";
import type { Homelab } from "../../config/homelab";
import { mirroredChart } from "../../config/mirror";
import { parseHomelab } from "../../config/parse";
import { fixtures } from "../config/fixtures";
import { bundleOf, crdErrors, type Manifest } from "../support/crds";
import { recordedStack, revealed, type RecordedStack } from "../support/stack";
import { schemaErrors, unknownValuePaths } from "../support/values";

/** Groups of the API server itself, which has no CRDs for them. */
const BUILT_IN = /^(v1|apps\/|batch\/|rbac\.|networking\.k8s\.io\/|storage\.k8s\.io\/|policy\/|core\/)/;

/** Which of the charts a reference means: upstream's name, or an archive in the mirror's folder. */
function chartAt({ versions }: Homelab, reference: string): ChartName {
  const found = (Object.keys(chartSources) as ChartName[]).find((name) =>
    [chartSources[name].chart, `${versions.mirror?.folder}/${mirroredChart(name, versions.charts[name])}`].includes(
      reference,
    ),
  );
  expect(found, `the chart that ${reference} refers to`).to.not.equal(undefined);
  return found as ChartName;
}

describe("graph: what the real charts and CRDs accept, for every good configuration", () => {
  for (const fixture of fixtures("good")) {
    describe(fixture.name, () => {
      let stack: RecordedStack;
      let homelab: Homelab;

      before(async () => {
        homelab = parseHomelab(fixture.config);
        stack = await recordedStack(fixture.stack ?? "home", fixture.config);
      });

      it("registers the whole program", () => {
        expect(stack.graph.steps.length).to.be.greaterThan(80);
      });

      it("sets no value that a chart would ignore (trap 66)", () => {
        const charts = stack.ofType(/^kubernetes:helm\.sh\/v4:Chart$/);
        expect(charts.length).to.be.greaterThan(8);
        for (const { name, inputs } of charts) {
          const key = chartAt(homelab, String(inputs.chart));
          const version = homelab.versions.charts[key];
          const values = revealed(inputs.values);
          if (fixture.name === "newer-lines") {
            continue; // Lines for which only the compatibility table is at hand, not the chart.
          }
          expect(unknownValuePaths(key, version, values), `${name} ${version}`).to.deep.equal([]);
          expect(schemaErrors(key, version, values), `${name} ${version}`).to.deep.equal([]);
        }
      });

      it("writes custom resources that their CRDs accept", () => {
        const objects = stack
          .ofType(/^kubernetes:/)
          .filter(({ remote, inputs }) => !remote && typeof inputs.apiVersion === "string")
          .filter(({ inputs }) => !BUILT_IN.test(String(inputs.apiVersion)));
        expect(objects.length).to.be.greaterThan(10);
        for (const { name, inputs, type } of objects) {
          if (type.endsWith("Patch")) {
            continue; // A patch is a part of an object; its own test completes it.
          }
          const group = String(inputs.apiVersion).split("/")[0];
          const bundle = bundleOf(homelab, group);
          const errors =
            bundle === undefined ? [`nobody defines ${group}`] : crdErrors(bundle, revealed(inputs) as Manifest);
          // Of this kind only the pinned line's schema is at hand.
          const notAtHand = inputs.kind === "CiliumNetworkPolicy" && bundle !== `cilium-${defaultPins.charts.cilium}`;
          expect(notAtHand ? [] : errors, name).to.deep.equal([]);
        }
      });
    });
  }
});
