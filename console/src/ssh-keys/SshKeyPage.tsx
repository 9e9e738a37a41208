import { Page } from '../ui/Page'

export default function SshKeyPage() {
  return <Page title="SSH key">{null}</Page>
}
