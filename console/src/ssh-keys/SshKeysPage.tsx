import { Page } from '../ui/Page'

export default function SshKeysPage() {
  return <Page title="SSH keys">{null}</Page>
}
