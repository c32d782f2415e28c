import type { Profile } from "../../../src/core/profile.ts";
import type * as Sharings from "../../../src/registry/sharing.ts";
import type * as Resolvers from "../../../src/registry/sqlite/resolver.ts";
import type * as Schemas from "../../../src/registry/sqlite/schema.ts";
import type * as Stores from "../../../src/store/sqlite/index.ts";
import type { Context, Runner } from "../../types.ts";
import { pumpPromises } from "../shared.ts";
import { Folder, load, openEmpty, openSqlite } from "./open.ts";
import { expectPath, operations, subject } from "./operations.ts";
import { chainBase, families, fill, profileId } from "./work.ts";

/** One operation of the port, over and over, on a registry of our own in memory, in a file, or on a server. */
export async function prepare(context: Context): Promise<Runner> {
  const { operation = "page", profiles = 1_000, headers, variant, inFlight } = context.parameters;
  if (variant === "sqlite anew" && operation.startsWith("resolve")) return resolution(context);
  const opened = await openEmpty(context);
  const { registry } = opened;
  const operate = (await operations(registry.profiles, await fill(registry, profiles, headers)))[operation];
  if (operate === undefined) throw new Error(`There is no ${operation} of profiles.`);
  // Each round goes on where the one before ended: begun anew, a short one would ask for what is remembered of the last.
  let asked = 0;
  const next = (): Promise<void> => operate(asked++);
  await next();
  return {
    run: (ops) => pumpPromises(inFlight, ops, next),
    close: async () => opened[Symbol.asyncDispose](),
  };
}

/** A resolution that remembers nothing of the one before: read, parsed and laid over each other every time. */
async function resolution({ parameters, root }: Context): Promise<Runner> {
  const { Database } = await load<typeof Stores>(root, "src/store/sqlite/index.ts");
  const { schema } = await load<typeof Schemas>(root, "src/registry/sqlite/schema.ts");
  const { Resolver } = await load<typeof Resolvers>(root, "src/registry/sqlite/resolver.ts");
  const { Sharing } = await load<typeof Sharings>(root, "src/registry/sharing.ts");
  const folder = new Folder();
  const path = folder.file("fleet.db");
  const registry = await openSqlite(root, path);
  const { before } = await fill(registry, parameters.profiles ?? 1_000);
  await registry[Symbol.asyncDispose]();
  const database = await Database.open(path, { schema });
  const [at, expected] = parameters.operation === "resolve-past" ? [before, "/old/9"] : [undefined, "/new/9"];
  const operate = async (index: number): Promise<void> => {
    const family = index % families;
    const id = parameters.operation === "resolve-chain" ? chainBase(family) : profileId(family);
    const resolver = new Resolver(new Sharing<Profile>());
    const found = await database.read((on) => resolver.resolve(on, [subject(id)], at));
    expectPath(found.get("d"), expected);
  };
  return {
    run: (ops) => pumpPromises(1, ops, operate),
    close: async () => {
      await database.close();
      folder[Symbol.dispose]();
    },
  };
}
