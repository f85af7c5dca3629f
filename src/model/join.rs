//! Who uses what: a container's mounts lead to datasets and pools, and back; a process to its owner and its datasets.

mod container;
mod model;
mod offer;
mod owner;
mod page;
mod places;
mod service;
mod subject;

pub use container::{
    GpuShare, container_of_process, containers_of_pool, dataset_of, datasets_of, gpu_memory_of, gpus_of,
    place_of_mount, process,
};
pub use model::{
    around_model_server, cards_of_model_server, container_of_model_server, process_of_model_server, tokens_per_joule,
};
pub use offer::{Offer, offers};
pub use owner::{GpuUser, Owner, OwnerKind, container_of_port, owner, users_of_gpu};
pub use page::server_of;
pub use places::datasets_of_process;
pub use service::{behind_service, port_of_service};
pub use subject::{
    disk_of, filesystem_of, pool_of_subject, subject_of_container, subject_of_device, subject_of_metric, users_of_disk,
};
