import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** Packs what the server sends: it picks the form that the browser takes, and packs nothing itself. */
function packed(): Plugin {
  return {
    name: 'packed',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        for (const file of Object.values(bundle)) {
          if (file.fileName === 'index.html' || file.fileName.endsWith('.woff2')) continue
          const bytes = Buffer.from(file.type === 'chunk' ? file.code : file.source)
          const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }
          this.emitFile({ type: 'asset', fileName: `${file.fileName}.br`, source: brotliCompressSync(bytes, brotli) })
          this.emitFile({ type: 'asset', fileName: `${file.fileName}.gz`, source: gzipSync(bytes, { level: 9 }) })
        }
      },
    },
  }
}

export default defineConfig({
  plugins: [react(), packed()],
  build: {
    target: 'es2023',
    sourcemap: false,
    // What is handed on is handed on with its licences: at /licences.txt.
    license: { fileName: 'licences.txt' },
    // What is small is a file like the rest: `data:` addresses would need a wider policy.
    assetsInlineLimit: 0,
    // scripts/size.mjs counts what is loaded first, which is what matters.
    chunkSizeWarningLimit: 2000,
    reportCompressedSize: false,
  },
  server: {
    // `npm run dev` beside a server that runs: changes are seen at once.
    proxy: { '/api': process.env.COURIER_SERVER ?? 'http://127.0.0.1:8440' },
  },
})
