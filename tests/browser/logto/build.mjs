// build.mjs OUT MODE: bundles app.jsx; only React's development build runs StrictMode's double effects.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const { build } = createRequire(process.env.NODE_MODULES + '/')('esbuild');
const [outfile, mode] = process.argv.slice(2);
await build({
  entryPoints: [fileURLToPath(new URL('app.jsx', import.meta.url))],
  outfile, bundle: true, format: 'iife', jsx: 'automatic', nodePaths: [process.env.NODE_MODULES],
  define: { 'process.env.NODE_ENV': JSON.stringify(mode) },
});
