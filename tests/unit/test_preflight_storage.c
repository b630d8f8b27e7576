/* Disks, volumes, file systems and mounts: each row over documents that trigger it, and that do not. */
#include "preflight_fixture.h"

#define MOUNTED(...) "{'mounts':{'mounted':[" __VA_ARGS__ "],'fstab':[],'swaps':[]}}"
#define MOUNT(path, type, source, rest) "{'path':'" path "','type':'" type "','source':'" source "'" rest "}"
#define DEVICES(...) "{'disks':{'devices':[" __VA_ARGS__ "]},'mounts':{'mounted':[" ROOT "]}}"
#define ROOT MOUNT("/", "ext4", "/dev/sda1", ",'dev':'8:1','options':'rw,relatime'")
#define DISK(name, rest) "{'name':'" name "','loop_file':null" rest "}"
#define SDA DISK("sda", ",'partitions':[{'name':'sda1','contents':{'type':'ext4','usage':'filesystem','uuid':'u1'}}]")
#define NOTHING "{'disks':null,'mounts':null}"
#define LVM(vg, lv)                                                                                                  \
	"{'lvm':{'report':{'report':[{'vg':[" vg "],'lv':[" lv "]}]}},'disks':{'devices':[{'name':'dm-0','dm_uuid':" \
	"'LVM-abc'}]}}"
#define LVM_SILENT "{'lvm':{'report':null},'disks':{'devices':[{'name':'dm-0','dm_uuid':'LVM-abc'}]}}"
#define HOST(fstab, swaps, cmdline) \
	"{'mounts':{'mounted':[" ROOT "],'fstab':[" fstab "],'swaps':[" swaps "]},'kernel':{'cmdline':'" cmdline "'}}"
#define LINE(source, path, type, options) \
	"{'source':'" source "','path':'" path "','type':'" type "','options':'" options "'}"
#define WHOLE "{'live_source':true}"
#define FS(type, features)                                                                        \
	"{'disks':{'devices':[{'name':'vda1','contents':{'type':'" type "','features':'" features \
	"'}}]},'target_root':{"                                                                   \
	"'path':'/mnt','type':'" type "','device':'/dev/vda1','mounts':[]}}"
#define SOURCE_FS(type, features) \
	"{'disks':{'devices':[{'name':'sda1','contents':{'type':'" type "','features':'" features "'}}]}}"
#define LEFT(concern, path, why)                                                                         \
	"{'source_root':'/','left_out':[{'path':'" path "','type':'zfs','source':'/dev/sdb','why':'" why \
	"','concern':'" concern "','used':1048576}]}"

static const struct preflight_case cases[] = {
	{PREFLIGHT_mount_hangs, MOUNTED(MOUNT("/data", "ext4", "/dev/sdb", ",'error':'EIO'")),
		.job = "{'mounts':[{'path':'/data'}]}", .severity = PREFLIGHT_FAIL, .evidence = "'/data' (ext4): EIO"},
	{PREFLIGHT_mount_hangs, MOUNTED(MOUNT("/nfs", "nfs4", "h:/x", ",'error':'ETIMEDOUT'")),
		.severity = PREFLIGHT_INFO, .evidence = "'/nfs' (nfs4): ETIMEDOUT; it is left out"},
	{PREFLIGHT_mount_hangs, MOUNTED(ROOT "," MOUNT("/k", "fuse", "k", ",'error':'EACCES'")),
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_mount_hangs, NOTHING, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_fs_type, NOTHING, .job = LEFT("missed", "/data", "type not listed"), .severity = PREFLIGHT_WARN,
		.evidence = "1.00 MiB in use): type not listed"},
	{PREFLIGHT_fs_type, NOTHING, .job = LEFT("missed", "/", "type not listed"), .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_fs_type, NOTHING, .job = LEFT("meant", "/data", "skip_mounts"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_fs_remote, MOUNTED(MOUNT("/home", "nfs4", "h:/x", "")), .severity = PREFLIGHT_INFO,
		.evidence = "h:/x"},
	{PREFLIGHT_fs_remote, MOUNTED(ROOT), .severity = PREFLIGHT_OK},
	{PREFLIGHT_fs_remote, NOTHING, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_external_disk,
		DEVICES(DISK("sdb", ",'path':'../devices/platform/host2/session1/target2/block/sdb'")),
		.severity = PREFLIGHT_WARN, .evidence = "iSCSI"},
	{PREFLIGHT_external_disk, DEVICES(DISK("vda", ",'path':'../devices/pci0000:00/virtio1/block/vda'")),
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_external_disk, NOTHING, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_unmounted_fs,
		DEVICES(SDA
			"," DISK("sdb", ",'holders':[],'contents':{'type':'xfs','usage':'filesystem','label':'old'}")),
		.severity = PREFLIGHT_WARN, .evidence = "'sdb' holds xfs labelled old"},
	{PREFLIGHT_unmounted_fs, DEVICES(SDA "," DISK("sr0", ",'contents':{'type':'iso9660','usage':'filesystem'}")),
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_unmounted_fs,
		DEVICES(SDA "," DISK("sdb", ",'contents':{'type':'ext4','usage':'filesystem','uuid':'u1'}")),
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_unmounted_fs, NOTHING, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_raw_device, DEVICES(DISK("sdc", ",'contents':{'type':'oracleasm'}")), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_raw_device, DEVICES(SDA), .severity = PREFLIGHT_OK},
	{PREFLIGHT_repeated_mount, NOTHING, .job = LEFT("elsewhere", "/srv/again", "repeats /srv"),
		.severity = PREFLIGHT_INFO},
	{PREFLIGHT_repeated_mount, NOTHING, .job = LEFT("elsewhere", "/proc", "pseudo file system"),
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_pv_missing, LVM("{'vg_name':'vg0','vg_missing_pv_count':'1'}", ""), .severity = PREFLIGHT_FAIL,
		.evidence = "vg0 lacks 1"},
	{PREFLIGHT_pv_missing, LVM("{'vg_name':'vg0','vg_missing_pv_count':'0'}", ""), .severity = PREFLIGHT_OK},
	{PREFLIGHT_pv_missing, LVM_SILENT, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_pv_missing, DEVICES(SDA), .severity = PREFLIGHT_OK},
	{PREFLIGHT_vg_duplicate, LVM("{'vg_name':'a','vg_uuid':'1'},{'vg_name':'a','vg_uuid':'2'}", ""),
		.severity = PREFLIGHT_FAIL},
	{PREFLIGHT_vg_duplicate, LVM("{'vg_name':'a','vg_uuid':'1'},{'vg_name':'b','vg_uuid':'2'}", ""),
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_lvm_complex, LVM("{'vg_name':'a'}", "{'lv_name':'thin','lv_attr':'Vwi-a-tz--'}"),
		.severity = PREFLIGHT_WARN, .evidence = "thin is thin"},
	{PREFLIGHT_lvm_complex, LVM("{'vg_name':'a'}", "{'lv_name':'root','lv_attr':'-wi-ao----'}"),
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_md_raid, DEVICES(DISK("md0", ",'md_level':'raid1'")), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_md_raid, DEVICES(SDA), .severity = PREFLIGHT_OK},
	{PREFLIGHT_md_raid, NOTHING, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_multipath, DEVICES(DISK("dm-0", ",'dm_uuid':'mpath-36','dm_name':'mpatha'")),
		.severity = PREFLIGHT_WARN, .evidence = "mpatha"},
	{PREFLIGHT_multipath, DEVICES(SDA), .severity = PREFLIGHT_OK},
	{PREFLIGHT_luks, DEVICES(DISK("dm-0", ",'dm_uuid':'CRYPT-LUKS2-1','dm_name':'root'")),
		.severity = PREFLIGHT_WARN},
	{PREFLIGHT_luks, DEVICES(SDA), .severity = PREFLIGHT_OK},
	{PREFLIGHT_fscrypt, DEVICES(DISK("sda1", ",'contents':{'type':'ext4','features':'64bit encrypt'}")),
		.severity = PREFLIGHT_WARN},
	{PREFLIGHT_fscrypt, DEVICES(SDA), .severity = PREFLIGHT_OK},
	{PREFLIGHT_fs_sick, "{'disks':{'devices':[],'ext4_errors':{'sda1':3}},'mounts':{'mounted':[" ROOT "]}}",
		.severity = PREFLIGHT_WARN, .evidence = "3 errors"},
	{PREFLIGHT_fs_sick,
		"{'disks':{},'mounts':{'mounted':[{'path':'/d','type':'ext4','read_only':true}],'fstab':[" LINE(
			"UUID=1", "/d", "ext4", "defaults") "]}}",
		.severity = PREFLIGHT_WARN, .evidence = "'/d' is read-only"},
	{PREFLIGHT_fs_sick, "{'disks':{'ext4_errors':{'sda1':0}},'mounts':{'mounted':[" ROOT "]}}",
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_fs_features, SOURCE_FS("ext4", "metadata_csum"), FS("ext4", "metadata_csum orphan_file"),
		.job = WHOLE, .severity = PREFLIGHT_WARN, .evidence = "orphan_file"},
	{PREFLIGHT_fs_features, SOURCE_FS("ext4", "metadata_csum"), FS("ext4", "orphan_file"),
		.job = "{'live_source':true,'boot':true}", .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_fs_features, SOURCE_FS("ext4", "orphan_file"), FS("ext4", "orphan_file"), .job = WHOLE,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_fs_features, SOURCE_FS("xfs", "v5"), FS("xfs", "v5 bigtime"), .job = "{}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_fs_features, SOURCE_FS("xfs", "v5"),
		"{'disks':null,'target_root':{'path':'/mnt','type':'xfs','device':'/dev/vdb'}}", .job = WHOLE,
		.severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_fs_limits, .target = FS("vfat", ""), .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_fs_limits, .target = FS("nfs4", ""), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_fs_limits, .target = FS("vfat", ""), .job = "{'mounts':[{'target':'','type':'vfat'}]}",
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_fs_limits, .target = FS("ext4", ""), .severity = PREFLIGHT_OK},
	{PREFLIGHT_fs_limits,
		.target = "{'target_root':{'path':'/mnt','type':'ext4','mounts':[{'path':'boot/efi','type':'vfat'}]}}",
		.job = "{'mounts':[{'target':'','type':'ext4'}]}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_fs_limits, .target = "{'target_root':null}", .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_shared_extents, MOUNTED(MOUNT("/", "btrfs", "/dev/sda2", ",'options':'rw,compress=zstd:1'")),
		.severity = PREFLIGHT_WARN},
	{PREFLIGHT_shared_extents, MOUNTED(ROOT), .severity = PREFLIGHT_OK},
	{PREFLIGHT_quota, MOUNTED(MOUNT("/home", "xfs", "/dev/sdb", ",'options':'rw,usrquota'")),
		.severity = PREFLIGHT_INFO},
	{PREFLIGHT_quota, MOUNTED(MOUNT("/home", "xfs", "/dev/sdb", ",'options':'rw,noquota'")),
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_device_names, HOST(LINE("/dev/sda1", "/", "ext4", "defaults"), "", ""), .job = WHOLE,
		.severity = PREFLIGHT_WARN, .evidence = "'/dev/sda1' for '/'"},
	{PREFLIGHT_device_names, HOST("", "", "ro root=PARTUUID=12-02 quiet"), .job = WHOLE, .severity = PREFLIGHT_WARN,
		.evidence = "root=PARTUUID=12-02"},
	{PREFLIGHT_device_names, HOST(LINE("UUID=1", "/", "ext4", ""), "", "root=UUID=1"), .job = WHOLE,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_device_names, HOST(LINE("/dev/sda1", "/", "ext4", ""), "", ""), .severity = PREFLIGHT_OK},
	{PREFLIGHT_device_names, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_fstab_broken, HOST(LINE("UUID=9", "/data", "xfs", "defaults"), "", ""), .job = WHOLE,
		.severity = PREFLIGHT_WARN, .evidence = "/data"},
	{PREFLIGHT_fstab_broken,
		HOST(LINE("UUID=1", "/", "ext4", "defaults") "," LINE("h:/x", "/nfs", "nfs", "nofail"), "", ""),
		.job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_fstab_broken, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_swap, HOST(LINE("UUID=5", "none", "swap", "sw"), "", ""), .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_swap, HOST("", "{'path':'/dev/zram0'}", ""), .job = WHOLE, .severity = PREFLIGHT_INFO},
	{PREFLIGHT_swap, HOST("", "", "root=UUID=1 resume=UUID=5"), .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_swap, HOST("", "", ""), .job = WHOLE, .severity = PREFLIGHT_OK},
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
