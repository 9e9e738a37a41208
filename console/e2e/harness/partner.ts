import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server as Listener, type Socket } from 'node:net'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { Transform } from 'node:stream'
import { Folder } from './folders'

/** An OpenSSH server with host key, users' keys and files of its own: a partner's. */
export class Partner {
  private readonly folder = new Folder()
  private readonly sockets = new Set<Socket>()
  private readonly listener: Listener = createServer((socket) => this.serve(socket))
  /** Bytes a second that leave it on each connection; none: as quick as it goes. */
  rate: number | undefined

  /** Who may log in: whoever runs the tests. */
  readonly user = userInfo().username
  readonly host = '127.0.0.1'

  static async start(): Promise<Partner> {
    const partner = new Partner()
    const at = (name: string) => partner.folder.at(name)
    mkdirSync(at('files'))
    writeFileSync(at('authorized_keys'), '')
    partner.changeHostKey()
    const configuration = {
      HostKey: at('host_key'),
      AuthorizedKeysFile: at('authorized_keys'),
      StrictModes: 'no',
      UsePAM: 'no',
      PermitRootLogin: 'yes',
      PasswordAuthentication: 'no',
      KbdInteractiveAuthentication: 'no',
      PidFile: 'none',
      Subsystem: `sftp internal-sftp -d ${at('files')}`,
    }
    const lines = Object.entries(configuration).map(([name, value]) => `${name} ${value}\n`)
    writeFileSync(at('sshd_config'), lines.join(''))
    await new Promise<void>((listening) => partner.listener.listen(0, partner.host, listening))
    return partner
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port
  }

  /** Puts a file there. */
  file(path: string, content = `${path}\n`): string {
    const file = this.folder.at('files', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    return file
  }

  /** Puts a file of so many bytes there, which takes no space. */
  big(path: string, bytes: number) {
    truncateSync(this.file(path, ''), bytes)
  }

  /** Lets whoever has this key in, as the partner's people do with a line that they are sent. */
  authorize(publicLine: string) {
    appendFileSync(this.folder.at('authorized_keys'), `${publicLine.trim()}\n`)
  }

  /** From now on it shows another host key, as it would after it was set up anew. */
  changeHostKey() {
    const path = this.folder.at('host_key')
    for (const old of [path, `${path}.pub`]) rmSync(old, { force: true })
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path])
  }

  /** The fingerprint of its host key, `SHA256:…`. */
  fingerprint(): string {
    const told = execFileSync('ssh-keygen', ['-lf', this.folder.at('host_key.pub')], { encoding: 'utf8' })
    return told.split(' ')[1] ?? ''
  }

  stop() {
    for (const socket of this.sockets) socket.destroy()
    this.listener.close()
    this.folder.remove()
  }

  /** Each connection has an sshd of its own, which reads the configuration anew. */
  private serve(socket: Socket) {
    const sshd = spawn('/usr/sbin/sshd', ['-i', '-f', this.folder.at('sshd_config'), '-E', this.folder.at('log')], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    this.sockets.add(socket)
    const end = () => {
      this.sockets.delete(socket)
      socket.destroy()
      sshd.kill()
    }
    for (const stream of [socket, sshd.stdin, sshd.stdout]) stream.on('error', end)
    socket.on('close', end)
    sshd.on('exit', () => socket.end())
    socket.pipe(sshd.stdin)
    sshd.stdout.pipe(this.slowly()).pipe(socket)
  }

  /** Lets bytes through at the partner's rate. */
  private slowly(): Transform {
    return new Transform({
      highWaterMark: 16_384,
      transform: (chunk: Buffer, _, through) => {
        const wait = this.rate ? (chunk.length / this.rate) * 1000 : 0
        if (wait < 1) through(null, chunk)
        else setTimeout(() => through(null, chunk), wait)
      },
    })
  }
}
