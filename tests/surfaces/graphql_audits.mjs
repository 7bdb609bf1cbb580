// Runs the audits of graphql-http against SLRT_GRAPHQL_URL with SLRT_TOKEN; prints [{id, name, status, reason}].
import { serverAudits } from "graphql-http";

const headers = { authorization: `Bearer ${process.env.SLRT_TOKEN}` };
const fetchFn = (url, init = {}) => fetch(url, { ...init, headers: { ...headers, ...init.headers } });
const results = [];
for (const audit of serverAudits({ url: process.env.SLRT_GRAPHQL_URL, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
