import * as provider from "@pulumi/pulumi/provider";
import { mockState } from "../../../plan/mock-state";

/**
 * Stands where the plugin `terraform-provider` does, which would serve Backblaze B2: it makes nothing, and answers as the
 * plan does. The engine starts it as it starts every plugin.
 */
const backblaze: provider.Provider = {
  version: "1.4.1",
  parameterizeValue: (name, version) => Promise.resolve({ name, version }),
  create(urn, inputs) {
    const [type = "", name = ""] = (urn.split("::").slice(2).join("::").split("$").pop() ?? "").split("::");
    const { id, state } = mockState({ type, name, inputs: inputs as object, custom: true });
    return Promise.resolve({ id, outs: state });
  },
  read: (id, _urn, props) => Promise.resolve({ id, props: props as object }),
  update: (_id, _urn, olds, news) => Promise.resolve({ outs: { ...(olds as object), ...(news as object) } }),
  delete: () => Promise.resolve(),
};

void provider.main(backblaze, process.argv.slice(2));
