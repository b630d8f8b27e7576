/* The system, its kernels, loaders and firmware: each row over documents that trigger it, and that do not. */
#include "preflight_fixture.h"

#define WHOLE "{'live_source':true}"
#define BOOTS "{'live_source':true,'boot':true}"
#define OS(rest) "{'os':{" rest "},'mounts':{'mounted':[]},'kernel':{'installed':[]},'boot':{'loaders':[],'tools':{}}}"
#define MACHINE(m) "{'os':{'machine':'" m "'},'kernel':{'running_machine':'" m "'}}"
#define EL(id, version) "{'os':{'id':'" id "','version_id':'" version "','machine':'x86_64','pretty_name':'EL'}}"
#define CPU(flags) \
	"{'machine':{'cpu':{'flags':[" flags "]}},'os':{'machine':'x86_64'},'kernel':{'running_machine':'x86_64'}}"
#define V2 "'cx16','lahf_lm','popcnt','pni','ssse3','sse4_1','sse4_2'"
#define ROOT(type) "{'mounts':{'mounted':[{'path':'/','type':'" type "'}]}}"
#define KERNEL(rest) \
	"{'kernel':{'installed':[{'release':'6.1.0','image':{'path':'/boot/vmlinuz-6.1.0','size':1}" rest "}]"
#define WITH_INITRAMFS ",'initramfs':{'path':'/boot/initrd.img-6.1.0','size':1}"
#define NOTHING "{'kernel':null,'boot':null,'machine':null,'mounts':null,'os':null,'disks':null}"
#define TARGET_DISK(driver)                                    \
	"{'disks':{'devices':[{'name':'vda','driver':'" driver \
	"'}]},'network':{'interfaces':[]},'os':{'machine':'x86_64'}}"
#define FIRMWARE(f, boot) "{'machine':{'firmware':'" f "'},'boot':{" boot "}}"
#define GRUB "'loaders':[{'kind':'grub2'}]"
#define PC "'grub_modules':['/usr/lib/grub/i386-pc']"
#define EFI "'esp':['/boot/efi/EFI/debian/grubx64.efi']"
#define TARGET(f) "{'machine':{'firmware':'" f "'}}"
#define FSTAB(path, options) \
	"{'mounts':{'mounted':[{'path':'/'}],'fstab':[{'path':'" path "','options':'" options "'}]}}"
#define CONFIG(cmdline, text)                                                          \
	"{'kernel':{'cmdline':'" cmdline "','installed':[{'image':{}}]},'boot':{" GRUB \
	"},'config':{'/boot/grub/grub.cfg':'" text "'}}"
#define GPT(partitions)                                                 \
	"{'machine':{'firmware':'bios'},'target_root':{'device':'/dev/" \
	"vda2'},'disks':{'devices':[{'name':'vda','table':{"            \
	"'type':'gpt','partitions':[" partitions "]},'partitions':[{'name':'vda2'}]}]}}"
#define ESP(partitions) \
	"{'machine':{'firmware':'uefi'},'disks':{'devices':[{'name':'vda','table':{'partitions':[" partitions "]}}]}}"
#define SOURCE_DISKS(root)                                                                                         \
	"{'disks':{'devices':[{'name':'sda','table':{'type':'dos'},'partitions':[{'name':'sda1'}]},{'name':'sdb'," \
	"'table':{'type':'dos'},'partitions':[{'name':'sdb1'}]}]},'mounts':{'mounted':[{'path':'/','source':'/"    \
	"dev/" root "'}]}}"

static const struct preflight_case cases[] = {
	{PREFLIGHT_arch, MACHINE("aarch64"), MACHINE("x86_64"), .job = WHOLE, .severity = PREFLIGHT_FAIL,
		.evidence = "the source is aarch64, the target x86_64"},
	{PREFLIGHT_arch, MACHINE("i686"), MACHINE("x86_64"), .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_arch, MACHINE("x86_64"), MACHINE("x86_64"), .job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_arch, MACHINE("aarch64"), MACHINE("x86_64"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_arch, NOTHING, MACHINE("x86_64"), .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_container_source, OS("'container':'docker'"), .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_container_source, OS("'container':'docker'"), .job = BOOTS, .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_container_source, OS("'container':null"), .job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_image_os, OS("'image_based':'ostree'"), .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_image_os, OS("'id':'flatcar'"), .job = BOOTS, .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_image_os, OS("'id':'debian'"), .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_live_root, ROOT("overlay"), .job = WHOLE, .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_live_root, ROOT("overlay"), .job = "{'live_source':true,'filesystems':['overlay']}",
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_live_root, ROOT("ext4"), .job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_live_root, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_cpu_level, EL("almalinux", "9.4"), CPU("'cx16','pni'"), .job = BOOTS, .severity = PREFLIGHT_FAIL,
		.evidence = "lacks lahf_lm"},
	{PREFLIGHT_cpu_level, EL("rhel", "10.0"), CPU(V2), .job = WHOLE, .severity = PREFLIGHT_WARN,
		.evidence = "x86-64-v3"},
	{PREFLIGHT_cpu_level, EL("rocky", "9.4"), CPU(V2), .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_cpu_level, EL("debian", "12"), CPU(""), .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_os_unknown, OS("'id':'weird','release_files':{}"), .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_os_unknown, OS("'id':'weird','id_like':'rhel fedora','release_files':{}"), .job = WHOLE,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_os_unknown, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_multi_os,
		"{'disks':{'devices':[{'name':'sda','partitions':[{'name':'sda1','contents':{'type':'ntfs'}}]}]}}",
		.job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_multi_os, "{'disks':{'devices':[]},'boot':{'esp':['Microsoft/Boot/bootmgfw.efi']}}", .job = WHOLE,
		.severity = PREFLIGHT_WARN},
	{PREFLIGHT_multi_os, "{'disks':{'devices':[]},'boot':{" EFI "}}", .job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_no_kernel, "{'kernel':{'installed':[]},'boot':{'boot_files':{}}}", .job = WHOLE,
		.severity = PREFLIGHT_WARN},
	{PREFLIGHT_no_kernel, KERNEL("") "}}", .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_no_kernel, "{'kernel':{'installed':[]},'boot':{'boot_files':{'vmlinuz-lts':5}}}", .job = BOOTS,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_no_kernel, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_no_initramfs, KERNEL("") "},'boot':{'tools':{},'boot_files':{}}}", .job = BOOTS,
		.severity = PREFLIGHT_FAIL},
	{PREFLIGHT_no_initramfs, KERNEL("") "},'boot':{'tools':{'dracut':'/usr/bin/dracut'}}}", .job = BOOTS,
		.severity = PREFLIGHT_WARN},
	{PREFLIGHT_no_initramfs, KERNEL(WITH_INITRAMFS) "}}", .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_no_driver, KERNEL(",'drivers':{'virtio_blk':'absent'}") "}}", TARGET_DISK("virtio_blk"),
		.job = BOOTS, .severity = PREFLIGHT_FAIL, .evidence = "disk 'vda' is driven by virtio_blk"},
	{PREFLIGHT_no_driver, KERNEL(",'drivers':{'virtio_blk':'module'}") "}}", TARGET_DISK("virtio_blk"),
		.job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_no_driver, KERNEL(",'drivers':{'virtio_blk':null}") "}}", TARGET_DISK("virtio_blk"), .job = BOOTS,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_kernel_custom, "{'kernel':{'running':'5.15.0-1050-aws','installed':[{'image':{}}]}}", .job = WHOLE,
		.severity = PREFLIGHT_WARN},
	{PREFLIGHT_kernel_custom, "{'kernel':{'running':'6.1.0-28-amd64','installed':[{'image':{}}]}}", .job = WHOLE,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_reboot_pending, "{'kernel':{'running':'6.1.0-1','installed':[{'release':'6.1.0-2','image':{}}]}}",
		.job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_reboot_pending, "{'kernel':{'running':'6.1.0-1','installed':[{'release':'6.1.0-1','image':{}}]}}",
		.job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_xen_pv, "{'machine':{'guest_type':'PV'}}", .job = BOOTS, .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_xen_pv, "{'machine':{'guest_type':'HVM'}}", .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_secure_boot, "{'security':{'dkms':true}}", "{'machine':{'secure_boot':true}}", .job = WHOLE,
		.severity = PREFLIGHT_WARN},
	{PREFLIGHT_secure_boot, "{'security':{'dkms':true}}", "{'machine':{'secure_boot':false}}", .job = WHOLE,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_fips, "{'security':{'fips':true}}", .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_fips, "{'security':{'fips':false}}", .job = WHOLE, .severity = PREFLIGHT_OK},

	{PREFLIGHT_firmware, FIRMWARE("bios", GRUB), TARGET("uefi"), .job = BOOTS, .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_firmware, FIRMWARE("bios", GRUB "," EFI), TARGET("uefi"), .job = BOOTS, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_firmware, FIRMWARE("uefi", GRUB), TARGET("uefi"), .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_firmware, NOTHING, TARGET("uefi"), .job = BOOTS, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_boot_unmounted, FSTAB("/boot/efi", "umask=0077"), .job = BOOTS, .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_boot_unmounted, FSTAB("/boot/efi", "noauto"), .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_boot_unmounted, NOTHING, .job = BOOTS, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_boot_loader, "{'boot':{'loaders':[{'kind':'lilo'}]}}", .job = BOOTS, .severity = PREFLIGHT_FAIL,
		.evidence = "LILO"},
	{PREFLIGHT_boot_loader, "{'boot':{" GRUB "}}", .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_boot_loader, NOTHING, .job = BOOTS, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_grub_old, "{'boot':{'loaders':[{'kind':'grub-legacy'}]}}", .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_grub_old, "{'boot':{'loaders':[{'kind':'grub-legacy'},{'kind':'grub2'}]}}", .job = WHOLE,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_grub_pc_modules, FIRMWARE("bios", GRUB), TARGET("bios"), .job = BOOTS, .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_grub_pc_modules, FIRMWARE("bios", GRUB "," PC), TARGET("bios"), .job = BOOTS,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_grub_pc_modules, FIRMWARE("bios", GRUB), TARGET("uefi"), .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_efi_loader, FIRMWARE("bios", GRUB), TARGET("uefi"), .job = BOOTS, .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_efi_loader, FIRMWARE("uefi", GRUB "," EFI), TARGET("uefi"), .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_efi_loader, FIRMWARE("bios", GRUB), TARGET("bios"), .job = BOOTS, .severity = PREFLIGHT_OK},
	{PREFLIGHT_boot_config, CONFIG("root=UUID=1 ro", "linux /vmlinuz root=UUID=2 ro"), .job = WHOLE,
		.severity = PREFLIGHT_WARN, .evidence = "root=UUID=1"},
	{PREFLIGHT_boot_config, CONFIG("ro root=UUID=1 quiet", "linux /vmlinuz root=UUID=1 ro"), .job = WHOLE,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_boot_config,
		"{'kernel':{'cmdline':'root=UUID=1','installed':[{'image':{}}]},'boot':{" GRUB "},'config':{}}",
		.job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_boot_tools, KERNEL("") "},'boot':{'tools':{}}}", .job = BOOTS, .severity = PREFLIGHT_FAIL,
		.evidence = "none of update-initramfs"},
	{PREFLIGHT_boot_tools, KERNEL("") "},'boot':{'tools':{'dracut':'/x','grub2-install':'/y'}}}", .job = BOOTS,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_gpt_bios, .target = GPT("{'type':'0fc63daf-8483-4772-8e79-3d69d8477de4'}"), .job = BOOTS,
		.severity = PREFLIGHT_FAIL},
	{PREFLIGHT_gpt_bios, .target = GPT("{'type':'21686148-6449-6e6f-744e-656564454649'}"), .job = BOOTS,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_esp, .target = ESP("{'type':'0x83'}"), .job = BOOTS, .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_esp, .target = ESP("{'type':'c12a7328-f81f-11d2-ba4b-00c04fc93ec3'}"), .job = BOOTS,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_partition_table,
		"{'disks':{'devices':[{'name':'sdb','contents':{'usage':'filesystem','type':'xfs'}}]}}", .job = WHOLE,
		.severity = PREFLIGHT_INFO},
	{PREFLIGHT_partition_table, SOURCE_DISKS("sda1"), .job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_boot_disk_order, SOURCE_DISKS("sdb1"), .job = WHOLE, .severity = PREFLIGHT_WARN,
		.evidence = "'/' is on 'sdb', and the first disk is 'sda'"},
	{PREFLIGHT_boot_disk_order, SOURCE_DISKS("sda1"), .job = WHOLE, .severity = PREFLIGHT_OK},
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		preflight_check_case(&cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
