// PostGraphile over the tables that slrt-api serves, as its documentation advises for production:
// `node postgraphile.mjs FD`, PEER_* from the environment. Writes its port to the descriptor.
import { writeSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";

// Its packages stand in a folder of their own, not above this file.
const need = createRequire(process.env.PEER_PACKAGES);
const { postgraphile } = need("postgraphile");
const { PostGraphileAmberPreset } = need("postgraphile/presets/amber");
const { makePgService } = need("postgraphile/adaptors/pg");
const { grafserv } = need("postgraphile/grafserv/node");
const { Pool } = need("pg");

const size = Number(process.env.PEER_POOL_SIZE);
const pgSettings = JSON.parse(process.env.PEER_SETTINGS);
const pool = new Pool({
  connectionString: process.env.PEER_DATABASE_URL,
  max: size,
  idleTimeoutMillis: 0,
  statement_timeout: Number(process.env.PEER_STATEMENT_TIMEOUT_MS),
});
pool.on("error", (error) => console.error(error));

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  // The question is cut by a column without an index of its own (`valid_to`).
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  gather: { installWatchFixtures: false },
  // Plain lists instead of connections: less to answer for the same rows.
  schema: { defaultBehavior: "-connection +list" },
  pgServices: [makePgService({ pool, schemas: ["public"] })],
  grafast: { explain: false, context: () => ({ pgSettings }) },
  grafserv: {
    graphqlPath: "/graphql",
    graphiql: false,
    graphqlOverGET: false,
    watch: false,
    websockets: false,
    outputDataAsString: true,
  },
});

// The schema is built, and every connection open, before anything is measured.
await instance.getSchema();
const open = await Promise.all(Array.from({ length: size }, () => pool.connect()));
open.forEach((client) => client.release());

const server = createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(0, "127.0.0.1", () => writeSync(Number(process.argv[2]), `${server.address().port}\n`));
process.on("SIGTERM", () => process.exit(0));
