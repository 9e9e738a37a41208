import { mkdirSync } from 'node:fs'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { schemas } from '../../src/api/types'
import { type Api, until } from './api'
import { Partner } from './partner'
import { PASSWORD, Server } from './server'

type Made = { id: string }

/** A server as it may look after some weeks: what works, what fails, what runs, and what somebody has to look at. */
export class World {
  private constructor(
    readonly server: Server,
    readonly api: Api,
    private readonly partners: Partner[],
    private readonly hook: HttpServer,
    /** Addresses of what was made, by a short name. */
    readonly at: Record<string, string>,
  ) {}

  static async make(): Promise<World> {
    // Insecure trust is allowed in staging, so that its banner can be seen.
    const server = await Server.start({
      COURIER_ADMIN_PASSWORD: PASSWORD,
      COURIER_ENVIRONMENT: 'staging',
      COURIER_NODE: 'courier-1',
    })
    const [bank, harbour, vault] = await Promise.all([Partner.start(), Partner.start(), Partner.start()])
    const hook = createServer((_, answer) => answer.writeHead(200).end('thanks'))
    await new Promise<void>((listening) => hook.listen(0, '127.0.0.1', listening))
    const world = new World(server, await server.api(), [bank, harbour, vault], hook, {})
    await world.people()
    await world.connections(bank, harbour, vault)
    await world.pulls(bank)
    await world.jobs(bank, vault)
    await world.alerts()
    return world
  }

  async stop() {
    for (const partner of this.partners) partner.stop()
    this.hook.close()
    await this.server.stop()
  }

  private async people() {
    await this.api.post('/api/users', { username: 'maria', password: PASSWORD, role: 'operator' })
    await this.api.post('/api/users', { username: 'tom', password: PASSWORD, role: 'viewer' })
    const soon = new Date(Date.now() + 9 * 86_400_000).toISOString()
    await this.api.post('/api/tokens', { name: 'dashboard', role: 'viewer', expires_at: soon })
    await this.api.post('/api/tokens', { name: 'deployment', scopes: ['jobs', 'executions:read'] })
  }

  private async connections(bank: Partner, harbour: Partner, vault: Partner) {
    const key = await this.api.post<Made>('/api/ssh-keys/generate', {
      name: 'courier-2026',
      key_type: 'ed25519',
      notes: 'For partners that take keys. Rotated each January.',
    })
    this.at.key = `/ssh-keys/${key.id}`
    await this.api.post('/api/ssh-keys/generate', { name: 'courier-2025', key_type: 'rsa_3072' })
    const line = await this.api.get<string>(`/api/ssh-keys/${key.id}/public-key`)
    for (const partner of this.partners) partner.authorize(line)

    const sftp = (partner: Partner) => ({
      protocol: 'sftp',
      host: partner.host,
      port: partner.port,
      username: partner.user,
      auth_method: 'ssh_key',
      ssh_key_ids: [key.id],
    })
    await this.connect('bank', { ...sftp(bank), name: 'northbank', group: 'Banks', notes: 'Hotline: +49 30 555 0199' })
    await this.connect('bankArchive', { ...sftp(bank), name: 'northbank-archive', group: 'Banks', status: 'disabled' })
    await this.connect('vault', { ...sftp(vault), name: 'vault', group: 'Logistics' })
    await this.connect('harbour', { ...sftp(harbour), name: 'harbour', group: 'Logistics' })
    await this.connect('insecure', {
      ...sftp(vault),
      name: 'lakeside',
      group: 'Logistics',
      host_key_policy: 'always_trust',
    })
    // Nobody listens there: the port was free a moment ago.
    const gone = await Partner.start()
    await this.connect('failing', { ...sftp(gone), name: 'freightline', group: 'Logistics' }, () => gone.stop())
    const password = { auth_method: 'password', username: 'acme', password: 'seven-red-apples' }
    const untried = [
      { ...password, name: 'warehouse', protocol: 'ftp', host: 'ftp.warehouse.example' },
      { ...password, name: 'westbank', protocol: 'ftps', host: 'ftp.westbank.example', group: 'Banks' },
    ]
    for (const connection of untried) await this.api.post('/api/connections', connection)

    harbour.changeHostKey()
    await this.api.post(`/api${this.at.harbour}/test`)
  }

  /** Makes a connection, and tests it. */
  private async connect(name: string, connection: Record<string, unknown>, before?: () => void) {
    const { id } = await this.api.post<Made>('/api/connections', connection)
    this.at[name] = `/connections/${id}`
    before?.()
    if (connection.status !== 'disabled') await this.api.post(`/api/connections/${id}/test`)
  }

  private async pulls(bank: Partner) {
    for (const day of [17, 18, 19, 20, 21, 22]) {
      bank.file(
        `outbox/statements/statement-2026-11-${day}.csv`,
        `date,amount\n2026-11-${day},${day * 113}\n`.repeat(40),
      )
    }
    bank.file('outbox/statements/readme.txt')
    const folder = this.server.data('files', 'statements')
    mkdirSync(folder, { recursive: true })
    const storage = await this.api.post<Made>('/api/storages', { name: 'statements', url: `file://${folder}` })
    this.at.storage = `/storages/${storage.id}`
    await this.api.post('/api/storages', {
      name: 'lake',
      url: 's3://lake/inbox?region=eu-central-1',
      credentials: { access_key_id: 'AKIAEXAMPLE', secret_access_key: 'seven-green-pears' },
    })
    const mappings = `/api${this.at.bank}/folder-mappings`
    const mapping = await this.api.post<Made>(mappings, {
      name: 'statements',
      remote_path: 'outbox/statements',
      pattern: '*.csv',
      storage_id: storage.id,
      interval_sec: 300,
      min_age_sec: 0,
    })
    await this.api.post(mappings, {
      name: 'returns',
      remote_path: 'outbox/returns',
      cron: '0 6 * * *',
      enabled: false,
    })
    this.at.mapping = `${this.at.bank}/folders?mapping=${mapping.id}`
    const pull = await this.api.post<Made>(`/api/folder-mappings/${mapping.id}/run`)
    await this.api.ended(pull.id)
  }

  private async jobs(bank: Partner, vault: Partner) {
    bank.big('outbox/report.csv', 24_000_000)
    const connection = (name: string) => this.at[name]?.split('/')[2]
    const fetch = await this.job('fetch-report', {
      description: 'The report of the day, kept for the auditors.',
      schedules: [{ cron: '30 6 * * mon-fri', timezone: 'Europe/Berlin' }],
      failure_policy: { type: 'retry_step', max_retries: 3, backoff_base_sec: 1, backoff_max_sec: 60 },
      steps: [
        {
          name: 'Fetch the report',
          step_type: 'sftp.download',
          config: { connection_id: connection('bank'), remote_path: 'outbox/report.csv', local_path: 'report.csv' },
        },
        {
          name: 'Keep it',
          step_type: 'local.copy',
          config: { path: 'context:1.downloaded_file', new_path: this.server.data('files', 'report.csv') },
        },
      ],
    })
    this.at.completed = `/executions/${await this.ran(fetch)}`
    await this.ran(fetch)

    const send = await this.job('fetch-returns', {
      schedules: [{ cron: '0 17 * * *', timezone: 'UTC' }],
      steps: [
        {
          step_type: 'sftp.download',
          config: { connection_id: connection('bank'), remote_path: 'outbox/returns.csv', local_path: 'returns.csv' },
        },
      ],
    })
    this.at.failed = `/executions/${await this.ran(send)}`

    for (const day of [20, 21, 22]) vault.big(`backup/ledger-2026-11-${day}.tar`, 64_000_000)
    vault.rate = 400_000
    const archive = await this.job('nightly-archive', {
      steps: [
        {
          name: 'Fetch the ledgers',
          step_type: 'sftp.download',
          config: { connection_id: connection('vault'), remote_path: 'backup/*.tar', local_path: 'backup/' },
        },
        {
          name: 'See what is left',
          step_type: 'remote.list',
          config: { connection_id: connection('vault'), remote_path: 'backup' },
        },
      ],
    })
    const { id } = await this.api.post<Made>(`/api/jobs/${archive}/run`)
    this.at.running = `/executions/${id}`
    await until('the archive is on its way', async () => {
      const { steps } = await this.api.get<schemas['Execution']>(`/api/executions/${id}`)
      return steps.some((step) => (step.bytes_transferred ?? 0) > 0) || undefined
    })
  }

  /** Makes a job, and changes it once, so that it has a version to compare. */
  private async job(name: string, job: Record<string, unknown>): Promise<string> {
    const { id } = await this.api.post<Made>('/api/jobs', { name, enabled: true, ...job })
    await this.api.put(`/api/jobs/${id}`, { name, enabled: true, max_duration_sec: 7200, ...job })
    this.at[name] = `/jobs/${id}`
    return id
  }

  /** Runs a job to its end, and gives its execution's id. */
  private async ran(job: string): Promise<string> {
    const { id } = await this.api.post<Made>(`/api/jobs/${job}/run`)
    await this.api.ended(id)
    return id
  }

  private async alerts() {
    const { port } = this.hook.address() as AddressInfo
    const alert = await this.api.post<Made>('/api/alerts', {
      name: 'operations',
      on: ['execution_failed', 'connection_health'],
      channel: { type: 'webhook', url: `http://127.0.0.1:${port}/courier`, secret: 'seven-blue-plums' },
    })
    this.at.alert = `/alerts/${alert.id}`
    await this.api.post(`/api/alerts/${alert.id}/test`)
  }
}
